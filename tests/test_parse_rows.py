"""Rows: whole lines and single words gather into the same rows under any tilt, and every value knows its box."""

from __future__ import annotations

import pytest
from receipt_words import page_of, read

from flows.reading.parser.rows import rows_of

TEXT = """
CORNER SHOP
MILK        1.20
BREAD       2.35
TOTAL       3.55
"""


@pytest.mark.parametrize("shape", ["lines", "words"])
@pytest.mark.parametrize("tilt_degrees", [-5.0, -2.0, 0.0, 2.0, 5.0])
def test_same_rows_for_both_shapes_under_tilt(shape: str, tilt_degrees: float) -> None:
    rows = rows_of(page_of(TEXT, shape=shape, tilt_degrees=tilt_degrees))
    assert [row.text.split() for row in rows] == [line.split() for line in TEXT.strip().split("\n")]


def test_columns_are_parted_by_two_spaces() -> None:
    assert rows_of(page_of(TEXT))[1].text == "MILK  1.20"


def test_a_value_has_the_box_of_its_words() -> None:
    total = read(TEXT + "05.03.2021 MwSt GmbH").total
    assert total is not None and total.bbox is not None
    assert total.evidence == "TOTAL  3.55"
    assert 180 < total.bbox.left < total.bbox.right < 260
    assert 150 < total.bbox.top < total.bbox.bottom < 195


def test_an_empty_page_has_no_rows() -> None:
    assert rows_of(page_of("")) == ()


def test_each_piece_of_a_line_keeps_its_own_confidence() -> None:
    page = page_of("TOTAL RM 12.30")
    word = page.words[0].model_copy(update={"parts": (0.99, 0.98, 0.41)})
    (row,) = rows_of(page.model_copy(update={"words": (word,)}))
    assert row.confidence_of(row.text.index("12.30"), len(row.text)) == 0.41
    assert row.confidence_of(0, 5) == 0.99
    unknown = word.model_copy(update={"parts": (0.5,)})  # not one for each piece: the line's own counts
    (row,) = rows_of(page.model_copy(update={"words": (unknown,)}))
    assert row.confidence_of(0, 5) == word.confidence
