"""Letters that Tesseract gave as words of their own become words; frames and dust become nothing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from flows.domain.fields import BBox, DocumentText, Page, Word
from flows.reading.ocr.joined_letters import tidied
from flows.reading.parser import parse_receipt


def word(text: str, left: float, top: float = 100, width: float = 24, height: float = 26, sure: float = 0.93) -> Word:
    return Word(text=text, confidence=sure, bbox=BBox(left, top, left + width, top + height))


def texts(words: tuple[Word, ...]) -> list[str]:
    return [word.text for word in words]


def test_letters_that_touch_are_one_word_and_a_wider_gap_parts_them() -> None:
    found = tidied(
        [word("행", 100), word("복", 126), word("마트", 152, width=50), word("역", 225), word("점", 252)], "HANGUL"
    )
    assert texts(found) == ["행복마트", "역점"]
    assert found[0].bbox == BBox(100, 100, 202, 126)


def test_figures_and_the_next_line_stay_apart() -> None:
    found = tidied([word("합", 100), word("계", 126), word("6,900", 152, width=60), word("신", 100, top=140)], "HANGUL")
    assert texts(found) == ["합계", "6,900", "신"]


def test_frames_dust_and_lone_marks_are_dropped() -> None:
    frame = [
        word("|", 5, height=40),
        word("ㅣ", 5, height=40),
        word("!", 5),
        word("oe", 900, sure=0.2),
        word("\u0e31", 9),
    ]
    flat = word("eal", 300, height=4)
    kept = [word("ร้าน", 100, width=60), word("฿", 300), word("350.00", 400, width=80, sure=0.2)]
    assert texts(tidied([*frame, flat, *kept], "THAI")) == ["ร้าน", "฿", "350.00"]


def test_nothing_gives_nothing() -> None:
    assert tidied([], "THAI") == ()


def test_a_korean_merchant_is_named() -> None:
    rows = [
        "행복마트 역삼점",
        "2026-05-14 13:22",
        "부가세  627",
        "합계  6,900",
        "신용카드  6,900",
    ]
    words = [
        Word(
            text=text,
            confidence=0.97,
            bbox=BBox(100 + 300 * column, 40 * row, 100 + 300 * column + 26 * len(text), 40 * row + 28),
        )
        for row, line in enumerate(rows)
        for column, text in enumerate(line.split("  "))
    ]
    page = Page(number=1, width=900, height=400, words=tuple(words))
    text = DocumentText(sha256="0" * 64, media_type="image/jpeg", engine="test", engine_version="1", pages=(page,))
    fields = parse_receipt(text, today=dt.date(2026, 11, 29))
    assert fields.merchant is not None and fields.merchant.value == "행복마트 역삼점"
    assert fields.total is not None and fields.total.value == Decimal(6900)
    assert fields.currency is not None and fields.currency.value == "KRW"
