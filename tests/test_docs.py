"""The docs say what is there: links lead to files, named tests exist, words that need explaining stay out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
# Each had to be explained; beside it what is said instead. Parser and OCR have their own sense of "place" and "door".
UNWANTED = {
    r"\bnursery\b": "prefork master",
    r"\bvigil\b": "hang detector",
    r"\bfrugal": "caching",
    r"\bmend(ed|ing|s)?\b": "repaired, recovered",
    r"\buntold\b": "unnotified",
    r"\bput right\b": "repaired",
    r"\b(has|have|had|got) (its|their|a) place\b": "is processed, is final",
    r"\btaken up again\b|\btakes? it up again\b": "retried, resumed",
    r"\bheirs?\b": "successor",
    r"\bwithdrawn\b": "voided",
    r"\b(every|three|whichever) doors?\b": "source",
    r"\bthe books\b": "the ledger",
}
# Says what was named otherwise before, and what a JSON file of benchmarks calls it.
QUOTING = {"docs/decisions.md", "benchmarks/chaos/report.py"}
# Exports speak of the books of other programs.
ELSEWHERE = ("flows/reading/", "flows/exports/", "deployments/samples/")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'<img src="([^"]+)"', text)
    broken = [target for target in targets if not target.startswith(("http", "#")) and not _exists(page, target)]
    assert broken == []


def _exists(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    path = page.parent / name
    if not path.exists() or not anchor:
        return path.exists()
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_tests_that_are_named_exist(page: Path) -> None:
    last, missing = "", []
    for module, test in re.findall(r"`(?:tests/)?(test_\w+\.py)?(?:::(test_\w+))?`", page.read_text(encoding="utf-8")):
        last = module or last
        path = ROOT / "tests" / last
        if (module or test) and not (path.is_file() and f"def {test}" in path.read_text(encoding="utf-8")):
            missing.append(f"{last}::{test}")
    assert missing == []


def test_words_are_the_glossarys() -> None:
    sources = [
        path for folder in ("flows", "blocks", "deployments", "benchmarks") for path in (ROOT / folder).rglob("*.py")
    ]
    found = [
        f"{_name(path)}: {word[0]!r}; say: {instead}"
        for path in [*PAGES, *sources]
        if _name(path) not in QUOTING and not _name(path).startswith(ELSEWHERE)
        for pattern, instead in UNWANTED.items()
        for word in re.finditer(f"(?i){pattern}", path.read_text(encoding="utf-8"))
    ]
    assert found == []
