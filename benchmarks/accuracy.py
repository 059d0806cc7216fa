"""Reads receipts with known fields with every engine and writes docs/accuracy.md from what came out.

Usage: python -m benchmarks.accuracy FOLDER… [--engine auto …] [--words KEPT] [--out docs/accuracy.md]

Each folder holds images and `truth.json`. Each engine reads each folder in a process of its own, so that peak memory
is that of one reading process. With `--words`, the words of each picture are kept in that folder and taken from there
the next time: a loop of seconds for work on the parser, whose CPU seconds are then those of parsing. The receipts of
a folder are parted into two halves by a hash of their file names: the parser was tuned on one, and its confidences
are held against the other.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

from pydantic import TypeAdapter

from benchmarks.headline import headline, write_headline
from benchmarks.machine import machine
from flows.domain.fields import DocumentText
from flows.reading.accuracy import (
    AccuracyReport,
    Miss,
    Outcome,
    Tally,
    calibration,
    outcomes_of,
    reader_for,
    report_on,
)
from flows.reading.ocr.scripts import installed_languages
from flows.reading.parser import squeeze

_FIGURES = re.compile(
    r"(?<=supports ).*|(?:\b[A-Z]{3}\b|-?\d[\d.,\-]*)(?:(?: or | and |, )(?:\b[A-Z]{3}\b|-?\d[\d.,\-]*))*"
)
_RESULT = TypeAdapter(tuple[list[Outcome], float])
ENGINES = ("auto", "tesseract", "rapidocr")
METHOD = """# Accuracy

Written by `make accuracy`; do not edit. Scoring: a total equal as a number, a date the same
calendar day (none, where none is printed), a currency the same code, a merchant equal to one of its right names after
folding case, accents, punctuation and white space (exact), at least 0.9 alike or containing it (fuzzy). *Accepted
wrong* counts accepted receipts with a wrong total, date or currency, and behind the slash those with a wrong merchant.
CPU seconds are one thread, models loaded, from bytes to fields.

The halves are parted by a hash of the file name. Rules and weights are chosen on the tuning half; by now the other
half was looked at for the causes of its misses as well, so neither is unseen. The truth is used as given, although some
of it contradicts the picture.
"""
KEPT = "\nThe words were kept from an earlier reading: CPU seconds and memory are those of parsing alone.\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--engine", action="append", choices=ENGINES)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--readme", type=Path, help="write the sentence about the first engine between its marks there")
    parser.add_argument("--words", type=Path, help="keep the words here, and take them from here")
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.result:
        extract = reader_for(given.engine[0])
        outcomes = list(
            outcomes_of(
                given.folders[0], kept_words(extract, given.words / given.engine[0]) if given.words else extract
            )
        )
        given.result.write_bytes(_RESULT.dump_json((outcomes, report_on(outcomes).peak_rss_mb)))
        return
    scripts = ", ".join(sorted(installed_languages())) or "none"
    text = METHOD + f"\nMachine: {machine()}. Tesseract's data for other scripts: {scripts}.\n"
    text += KEPT if given.words else ""
    sentences = []
    for engine in given.engine or ENGINES:
        section, sentence = _section(engine, given.folders, given.words)
        text += section
        sentences.append(sentence)
    if given.readme:
        write_headline(given.readme, sentences[0])
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    print(text)


def is_tuning(file: str) -> bool:
    """Tell which half a file belongs to, by the first byte of its name's SHA-256."""
    return hashlib.sha256(file.encode()).digest()[0] % 2 == 1


def kept_words(extract: Callable[[bytes], DocumentText], folder: Path) -> Callable[[bytes], DocumentText]:
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
        command = [
            sys.executable,
            "-m",
            "benchmarks.accuracy",
            str(folder),
            "--engine",
            engine,
            "--result",
            str(result),
        ]
        subprocess.run(command + (["--words", str(words)] if words else []), check=True)
        return _RESULT.validate_json(result.read_bytes())


def _section(engine: str, folders: Sequence[Path], words: Path | None) -> tuple[str, str]:
    """The engine's part of the page, and how well it reads in one sentence."""
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
    parts = (_table(rows), _calibration(other), _groups(everything), _reasons(everything), _misses(everything))
    sentence = headline([(name, report.receipts) for name, report in rows[: len(folders)]], rows[-1][1])
    return f"\n## {engine}\n\n" + "\n".join(parts), sentence


def _table(rows: Sequence[tuple[str, AccuracyReport]]) -> str:
    head = (
        "receipts|total|date|currency|merchant fuzzy / exact|all four|accepted|accepted wrong|as expected|"
        "CPU s mean / p95|peak MB"
    )
    lines = [f"| {head.replace('|', ' | ')} |", "|" + "---|" * 11]
    for name, report in rows:
        cost = report.cpu_seconds
        merchant = report.merchant
        named = sum((merchant.right_fuzzy, merchant.wrong, merchant.missing))
        expected = f"{report.as_expected} of {report.expected}" if report.expected else "–"
        lines.append(
            f"| {name}, {report.receipts} | {_right(report.total)} | {_right(report.purchase_date)} | "
            f"{_right(report.currency)} | {_share(merchant.right_fuzzy, named)} / {merchant.right_exact} | "
            f"{_share(report.all_right, report.receipts)} | {_share(report.accepted, report.receipts)} | "
            f"{report.accepted_wrong} / {report.accepted_wrong_merchant} | {expected} | "
            f"{cost.mean:.2f} / {cost.p95:.2f} | {report.peak_rss_mb:.0f} |"
        )
    return "\n".join(lines) + "\n"


def _right(tally: Tally) -> str:
    return _share(tally.right, tally.right + tally.wrong + tally.missing)


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


def _groups(outcomes: Sequence[Outcome]) -> str:
    """Count misses by cause, by country and by script."""
    causes = Counter(
        (miss.field, _cause(miss, outcome)) for outcome in outcomes for miss in report_on([outcome]).misses
    )
    lines = ["Misses by cause:\n", "| field | cause | receipts |", "|---|---|---|"]
    lines += [f"| {field} | {cause} | {count} |" for (field, cause), count in sorted(causes.items())]
    for title, key in (("country", _country), ("script", _script)):
        groups: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in outcomes:
            groups[key(outcome)].append(outcome)
        lines += ["", f"By {title}:\n", f"| {title} | receipts | all four right | accepted | accepted wrong |"]
        lines.append("|---|---|---|---|---|")
        for name, part in sorted(groups.items()):
            report = report_on(part)
            lines.append(
                f"| {name} | {report.receipts} | {report.all_right} | {report.accepted} | {report.accepted_wrong} |"
            )
    return "\n".join(lines) + "\n"


def _cause(miss: Miss, outcome: Outcome) -> str:
    if outcome.fields is None:
        return "the file was refused"
    if miss.field == "total" and not _is_printed(Decimal(miss.truth), outcome.text):
        return "not among the words"
    if miss.field == "merchant":
        names = [outcome.truth["merchant"], *outcome.truth.get("merchant_also", ())]
        if not any(squeeze(name) in squeeze(outcome.text) for name in names):
            return "not among the words"
    return "among the words, not found" if miss.got is None else "another one was chosen"


def _is_printed(total: Decimal, text: str) -> bool:
    """Tell whether the figures of a total stand together somewhere, whatever parts its groups."""
    figures = re.sub(r"\D", "", f"{total:f}")
    return figures in re.sub(r"(?<=\d)[.,'’ ](?=\d)", "", text)


def _country(outcome: Outcome) -> str:
    """Name the country by the truth, or else the one that was read."""
    read = outcome.fields.country if outcome.fields else None
    return str(outcome.truth.get("country") or (read.value if read else "not read"))


def _script(outcome: Outcome) -> str:
    """Name the script of most letters, of the true merchant's name and of what was read."""
    letters = [char for char in str(outcome.truth.get("merchant") or outcome.text) if char.isalpha()]
    scripts = Counter(unicodedata.name(char, "?").split()[0].split("-")[0].capitalize() for char in letters)
    return scripts.most_common(1)[0][0] if scripts else "none"


def _reasons(outcomes: Sequence[Outcome]) -> str:
    """Hold each sentence that sends receipts to review against whether a deciding field was wrong indeed."""
    asked: dict[str, list[bool]] = defaultdict(list)
    for outcome in outcomes:
        for reason in outcome.fields.reasons if outcome.fields else ():
            asked[_FIGURES.sub("…", reason)].append(outcome.all_right)
    lines = ["Sentences that ask a person, and how often something was wrong indeed:\n"]
    lines += ["| sentence | receipts | something was wrong |", "|---|---|---|"]
    lines += [
        f"| {reason} | {len(right)} | {len(right) - sum(right)} |"
        for reason, right in sorted(asked.items(), key=lambda each: (-len(each[1]), each[0]))
    ]
    return "\n".join(lines) + "\n"


def _misses(outcomes: Sequence[Outcome]) -> str:
    lines = ["Misses:\n", "| file | field | got | truth | cause | accepted |", "|---|---|---|---|---|---|"]
    for outcome in outcomes:
        for miss in report_on([outcome]).misses:
            accepted = "yes" if miss.accepted else "no"
            cause = _cause(miss, outcome)
            got = _escaped(miss.got or "–")
            lines.append(f"| {miss.file} | {miss.field} | {got} | {_escaped(miss.truth)} | {cause} | {accepted} |")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main()
