"""Makes worse photographs of the receipts whose fields are known: what is wrong about them, once the letters come out
differently, shows which rules fit the known letters alone.

Usage: python -m benchmarks.shaken FOLDER… --into build/shaken [--seed 1]

Each folder with `truth.json` becomes one of the same name, with the truth of its pictures. A picture is made smaller
(at most 2,400 pixels, then 0.75 to 1.0 of that), turned by up to 2 degrees, seen slantwise by up to 2 % of its width,
made lighter or darker, with more or less contrast, blurred by up to 0.8 pixels, grained, and stored as JPEG of quality
40 to 85; how much of each depends on the seed and the file's name alone. Those are a second exposure of receipts that
were looked at, not unseen receipts.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

_LONGEST = 2400
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--into", type=Path, default=Path("build/shaken"))
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for folder in given.folders:
        into = given.into / folder.name
        into.mkdir(parents=True, exist_ok=True)
        truths = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        pictures = {name: truth for name, truth in truths.items() if Path(name).suffix.lower() in _SUFFIXES}
        (into / "truth.json").write_text(json.dumps(pictures), encoding="utf-8")
        for name in pictures:
            dice = random.Random(f"{given.seed} {name}")
            with Image.open(folder / name) as picture:
                worse = shaken(picture, dice)
            worse.save(into / name, "JPEG", quality=dice.randint(40, 85))


def shaken(picture: Image.Image, dice: random.Random) -> Image.Image:
    """A worse photograph of it, upright, in RGB."""
    image = ImageOps.exif_transpose(picture).convert("RGB")
    image.thumbnail((_LONGEST, _LONGEST))
    image = image.rotate(dice.uniform(-2.0, 2.0), Image.Resampling.BICUBIC, expand=True, fillcolor=_edge(image))
    width, height = image.size
    corners = [(dice.uniform(0, 0.02) * width, dice.uniform(0, 0.02) * width) for _ in range(4)]
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
    quad = (ax, ay, bx, height - by, width - cx, height - cy, width - dx, dy)
    scale = dice.uniform(0.75, 1.0)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = image.transform(size, Image.Transform.QUAD, quad, Image.Resampling.BICUBIC)
    image = ImageEnhance.Brightness(image).enhance(dice.uniform(0.75, 1.2))
    image = ImageEnhance.Contrast(image).enhance(dice.uniform(0.7, 1.2))
    image = image.filter(ImageFilter.GaussianBlur(dice.uniform(0.0, 0.8)))
    grain = np.random.default_rng(dice.randrange(2**32)).normal(0.0, dice.uniform(0.0, 8.0), (*image.size[::-1], 1))
    return Image.fromarray(np.clip(np.asarray(image, dtype=np.float32) + grain, 0, 255).astype(np.uint8))


def _edge(image: Image.Image) -> tuple[int, ...]:
    """The colour of what surrounds it: the mean of its outermost pixels."""
    pixels = np.asarray(image)
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return tuple(int(value) for value in rim.mean(axis=0))


if __name__ == "__main__":
    main()
