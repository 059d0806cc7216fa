"""The written receipts (benchmarks/written), from their letters as an engine that misreads none would give them."""

from __future__ import annotations

from typing import Any

import pytest
from receipt_words import CHAR_WIDTH, LINE_HEIGHT, TODAY, document, page_of

from benchmarks.written import COLUMNS, Line, Written, written
from flows.domain.fields import BBox, Page, ReceiptFields, Word
from flows.reading.accuracy import DECIDING, SCORED, verdicts
from flows.reading.parser import parse_receipt

RECEIPTS = {receipt.name: receipt for receipt in written()}


def _page(lines: tuple[Line, ...]) -> Page:
    """Large lines have large letters, which tell a name."""
    plain = page_of("\n".join(_placed(line) for line in lines))
    large = {40 + row * LINE_HEIGHT for row, line in enumerate(lines) if line.large}
    words = tuple(_taller(word) if word.bbox.top in large else word for word in plain.words)
    return plain.model_copy(update={"words": words})


def _placed(line: Line) -> str:
    return line.text.center(COLUMNS).rstrip() if line.centred else line.text


def _taller(word: Word) -> Word:
    left, top, right, bottom = word.bbox
    return word.model_copy(update={"bbox": BBox(left - CHAR_WIDTH, top - 6, right + CHAR_WIDTH, bottom + 6)})


def _read(receipt: Written) -> tuple[ReceiptFields, dict[str, Any]]:
    fields = parse_receipt(document(_page(receipt.lines)), today=TODAY)
    return fields, verdicts(fields, receipt.truth)


def test_there_are_receipts_of_many_countries() -> None:
    assert len(RECEIPTS) > 250
    assert len({receipt.truth["country"] for receipt in RECEIPTS.values()}) >= 40


@pytest.mark.parametrize("receipt", RECEIPTS.values(), ids=RECEIPTS)
def test_a_written_receipt_is_read_right_but_for_what_is_known(receipt: Written) -> None:
    """A field that is known to be missed and is read now has to be taken off the list in its file."""
    fields, said = _read(receipt)
    missed = {name for name in SCORED if said[name] in {"wrong", "missing"}}
    assert missed == receipt.known
    if fields.decision == "accept":
        assert not missed.intersection(DECIDING)


def test_most_are_accepted() -> None:
    decisions = [_read(receipt)[0].decision for receipt in RECEIPTS.values()]
    assert decisions.count("accept") >= 0.85 * len(decisions)
