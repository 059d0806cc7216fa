"""How well receipts are read in one sentence, written into the README between its two marks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from flows.reading.accuracy import AccuracyReport

_BETWEEN = re.compile(r"(?<=<!-- accuracy -->\n).*?(?=<!-- /accuracy -->)", re.DOTALL)


def headline(folders: Sequence[tuple[str, int]], report: AccuracyReport) -> str:
    """The sentence. `folders` are the names and numbers of receipts that `report` is about."""
    parts = ", ".join(f"{count} of `{name}`" for name, count in folders)
    right = f"the total of {report.total.right} right, the date of {report.purchase_date.right}"
    merchants = f"the merchant of {report.merchant.right_fuzzy}"
    accepted = (
        f"accepts {report.accepted} by itself, {report.accepted_wrong} of them with a wrong total, date or currency"
    )
    return (
        f"Of {report.receipts} receipts with known fields ({parts}) it reads\n{right} and {merchants}.\n"
        f"It {accepted};\nit asks a person about the rest ([docs/accuracy.md](docs/accuracy.md)).\n"
    )


def write_headline(readme: Path, sentence: str) -> None:
    """Replace what stands between the marks.

    Raises:
        ValueError: the file has no marks.
    """
    text, count = _BETWEEN.subn(lambda _: sentence, readme.read_text(encoding="utf-8"))
    if count != 1:
        raise ValueError(f"{readme} needs one <!-- accuracy --> … <!-- /accuracy -->")
    readme.write_text(text, encoding="utf-8")
