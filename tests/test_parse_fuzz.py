"""Arbitrary words and boxes never raise, always give the same fields, and those survive JSON."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from receipt_words import TODAY, document

from flows.domain.fields import BBox, Page, ReceiptFields, Word
from flows.reading.parser import parse_receipt

COORDINATE = st.floats(-1e4, 1e5, allow_nan=False)
TEXT = st.one_of(
    st.text(max_size=30),
    st.text("0123456789.,-/: RMEUR€$%()TOTALsum合計", max_size=60),
    st.sampled_from(
        ["TOTAL", "CASH", "CHANGE", "GST", "12.50", "01/02/2020", "SDN BHD", "www.shop.de", "MwSt 19%", "10:30"]
    ),
)
WORD = st.builds(
    lambda text, corner, size, confidence: Word(text=text, confidence=confidence, bbox=BBox(*corner, *size)),
    TEXT,
    st.tuples(COORDINATE, COORDINATE),
    st.tuples(COORDINATE, COORDINATE),
    st.floats(0, 1),
)
PAGE = st.lists(WORD, max_size=60).map(lambda words: Page(number=1, width=1000, height=1000, words=tuple(words)))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(PAGE, max_size=2))
def test_any_words_give_the_same_fields_twice(pages: list[Page]) -> None:
    first = parse_receipt(document(*pages), today=TODAY)
    assert parse_receipt(document(*pages), today=TODAY) == first
    assert ReceiptFields.model_validate_json(first.model_dump_json()) == first
    assert first.decision == ("review" if first.reasons else "accept")


def test_a_page_packed_with_numbers_is_read() -> None:
    words = tuple(
        Word(
            text=f"{row}.{column:02d} TOTAL 1,{row:03d}.50 GST 6%",
            confidence=0.5,
            bbox=BBox(column * 9, row * 3, column * 9 + 80, row * 3 + 9),
        )
        for row in range(100)
        for column in range(50)
    )
    fields = parse_receipt(document(Page(number=1, width=500, height=400, words=words)), today=TODAY)
    assert fields.decision == "review"


def test_one_endless_word_is_read() -> None:
    words = (Word(text="12/3." * 20_000, confidence=0.5, bbox=BBox(0, 0, 100, 10)),)
    fields = parse_receipt(document(Page(number=1, width=500, height=400, words=words)), today=TODAY)
    assert fields.decision == "review"
