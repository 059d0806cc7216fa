"""Reads receipts with known fields with every engine and writes docs/accuracy.md from what came out.

Usage: python benchmarks/accuracy.py FOLDER… [--engine auto …] [--words KEPT] [--out docs/accuracy.md]

Each folder holds images and `truth.json`. Each engine reads each folder in a process of its own, so that peak memory
is that of one reading process. With `--words`, the words of each picture are kept in that folder and taken from there
the next time: a loop of seconds for work on the parser, whose CPU seconds are then those of parsing. The receipts of
a folder are parted into two halves by a hash of their file names: the parser was tuned on one, and its confidences
are held against the other.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import TypeAdapter

from flows.domain.fields import DocumentText
from flows.reading.accuracy import AccuracyReport, Outcome, calibration, outcomes_of, reader_for, report_on

_RESULT = TypeAdapter(tuple[list[Outcome], float])
ENGINES = ("auto", "tesseract", "rapidocr")
METHOD = """# Accuracy

Written by `python benchmarks/accuracy.py`; do not edit by hand. Scoring: a total equal as a number, a date the same
calendar day, a merchant equal after folding case, accents, punctuation and white space (exact), or at least 0.9 alike
(fuzzy; in `german/`, whose truth is a short brand, also when the answer contains it). *Accepted wrong* counts accepted
receipts with a wrong total, date or currency. CPU seconds are one thread, models loaded, from bytes to fields.

The halves are parted by a hash of the file name. The parser's rules were first written on the tuning half; the other
half was looked at once, late, for the causes of its misses (its counts before that look are in docs/reading.md), so
neither half is unseen any more. The truth is used as given, although some of it contradicts the picture.
"""
KEPT = "\nThe words were kept from an earlier reading: CPU seconds and memory are those of parsing alone.\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--engine", action="append", choices=ENGINES)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--words", type=Path, help="keep the words here, and take them from here")
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.result:
        extract = reader_for(given.engine[0])
        outcomes = list(
            outcomes_of(given.folders[0], _kept(extract, given.words / given.engine[0]) if given.words else extract)
        )
        given.result.write_bytes(_RESULT.dump_json((outcomes, report_on(outcomes).peak_rss_mb)))
        return
    text = (
        METHOD
        + (KEPT if given.words else "")
        + "".join(_section(engine, given.folders, given.words) for engine in given.engine or ENGINES)
    )
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    print(text)


def is_tuning(file: str) -> bool:
    """Tell which half a file belongs to, by the first byte of its name's SHA-256."""
    return hashlib.sha256(file.encode()).digest()[0] % 2 == 1


def _kept(extract: Callable[[bytes], DocumentText], folder: Path) -> Callable[[bytes], DocumentText]:
    """Return the extraction that reads each content once and keeps its words as JSON."""

    def take(data: bytes) -> DocumentText:
        path = folder / f"{hashlib.sha256(data).hexdigest()}.json"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(extract(data).model_dump_json(), encoding="utf-8")
        return DocumentText.model_validate_json(path.read_text(encoding="utf-8"))

    return take


def _measure(folder: Path, engine: str, words: Path | None) -> tuple[list[Outcome], float]:
    with tempfile.TemporaryDirectory() as scratch:
        result = Path(scratch) / "outcomes"
        command = [sys.executable, __file__, str(folder), "--engine", engine, "--result", str(result)]
        subprocess.run(command + (["--words", str(words)] if words else []), check=True)
        return _RESULT.validate_json(result.read_bytes())


def _section(engine: str, folders: Sequence[Path], words: Path | None) -> str:
    everything: list[Outcome] = []
    rows: list[tuple[str, AccuracyReport]] = []
    for folder in folders:
        outcomes, peak = _measure(folder, engine, words)
        everything += outcomes
        rows.append((folder.name, report_on(outcomes).model_copy(update={"peak_rss_mb": peak})))
    tuning = [outcome for outcome in everything if is_tuning(outcome.file)]
    other = [outcome for outcome in everything if not is_tuning(outcome.file)]
    peak = max(report.peak_rss_mb for _, report in rows)
    for name, part in (("tuning half", tuning), ("other half", other), ("all", everything)):
        rows.append((name, report_on(part).model_copy(update={"peak_rss_mb": peak})))
    return f"\n## {engine}\n\n{_table(rows)}\n{_calibration(other)}\n{_misses(everything)}"


def _table(rows: Sequence[tuple[str, AccuracyReport]]) -> str:
    head = "receipts|total|date|merchant fuzzy / exact|all three|accepted|accepted wrong|CPU s mean / p95|peak MB"
    lines = [f"| {head.replace('|', ' | ')} |", "|" + "---|" * 9]
    for name, report in rows:
        count, cost = report.receipts, report.cpu_seconds
        lines.append(
            f"| {name}, {count} | {_share(report.total.right, count)} | {_share(report.purchase_date.right, count)} | "
            f"{_share(report.merchant.right_fuzzy, count)} / {_share(report.merchant.right_exact, count)} | "
            f"{_share(report.all_three, count)} | {_share(report.accepted, count)} | {report.accepted_wrong} | "
            f"{cost.mean:.2f} / {cost.p95:.2f} | {report.peak_rss_mb:.0f} |"
        )
    return "\n".join(lines) + "\n"


def _share(part: int, whole: int) -> str:
    return f"{part} ({100 * part / max(whole, 1):.1f} %)"


def _calibration(outcomes: Sequence[Outcome]) -> str:
    lines = [
        "Confidence against what was right, other half:\n",
        "| field | confidence | values | mean | right |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.field} | {row.band} | {row.count} | {row.mean_confidence:.3f} | {row.right:.3f} |"
        for row in calibration(outcomes)
    ]
    return "\n".join(lines) + "\n"


def _misses(outcomes: Sequence[Outcome]) -> str:
    lines = ["Misses:\n", "| file | field | got | truth | accepted |", "|---|---|---|---|---|"]
    for miss in report_on(outcomes).misses:
        accepted = "yes" if miss.accepted else "no"
        lines.append(f"| {miss.file} | {miss.field} | {miss.got or '–'} | {miss.truth} | {accepted} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
