"""Photographs the written receipts: python -m benchmarks.written --into build/written [--seed 1] [SET …]

Each set becomes a folder of pictures with `truth.json`, for benchmarks.accuracy. How a picture is spoiled is said in
benchmarks/shaken.py.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import font_roboto
import fontpkg.pil
from PIL import Image, ImageDraw, ImageFont

from benchmarks.shaken import shaken
from benchmarks.written import COLUMNS, SETS, Line, written

_PAPER, _TABLES = (245, 244, 240), ((90, 80, 70), (120, 120, 118), (60, 60, 65), (160, 140, 120))
_INKS = ((20, 20, 24), (40, 40, 50), (70, 70, 85))
_LARGE = (1.4, 1.6, 1.9)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.written", description=__doc__)
    parser.add_argument("sets", nargs="*", choices=[*SETS, []], metavar="SET")
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for name in given.sets or SETS:
        folder, truths = given.into / name, {}
        folder.mkdir(parents=True, exist_ok=True)
        for receipt in written(name):
            dice = random.Random(f"{given.seed} {receipt.name}")
            picture = shaken(_printed(receipt.lines, dice), dice)
            picture.save(folder / f"{receipt.name}.jpg", "JPEG", quality=dice.randint(50, 88))
            truths[f"{receipt.name}.jpg"] = receipt.truth
        (folder / "truth.json").write_text(json.dumps(truths, ensure_ascii=False), encoding="utf-8")


def _printed(lines: tuple[Line, ...], dice: random.Random) -> Image.Image:
    """The receipt on a table."""
    size, ink = dice.choice((24, 26, 28, 30)), dice.choice(_INKS)
    large = round(size * dice.choice(_LARGE))
    width = round(COLUMNS * 0.6 * size + 4 * size)  # Roboto Mono's letters are 0.6 em wide
    heights = [round(1.35 * (large if line.large else size)) for line in lines]
    paper = Image.new("RGB", (width, sum(heights) + 6 * size), _PAPER)
    draw, top = ImageDraw.Draw(paper), 3 * size
    for line, height in zip(lines, heights, strict=True):
        fitting = min(large if line.large else size, int(width / 0.6 / max(len(line.text) + 1, 1)))
        left = (width - len(line.text) * 0.6 * fitting) / 2 if line.centred else 2.0 * size
        _write(draw, (left, top + 0.76 * height), line, fitting, ink)
        top += height
    margin = dice.randint(10, 60)
    table = Image.new("RGB", (width + 2 * margin, paper.height + 2 * margin), dice.choice(_TABLES))
    table.paste(paper, (margin, margin))
    return table


def _write(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], line: Line, size: int, ink: tuple[int, int, int]
) -> None:
    """Write it with zeros as most tills print them: Roboto Mono's are slashed, so Roboto's stand in."""
    font = fontpkg.pil.truetype("Roboto Mono", size, weight=700 if line.bold else 450)
    draw.text(at, line.text.replace("0", " "), fill=ink, font=font, anchor="ls")
    plain = ImageFont.truetype(font_roboto.RobotoBold if line.bold else font_roboto.Roboto, size)
    for number, letter in enumerate(line.text):
        if letter == "0":
            draw.text((at[0] + (number + 0.5) * 0.6 * size, at[1]), "0", fill=ink, font=plain, anchor="ms")


if __name__ == "__main__":
    main()
