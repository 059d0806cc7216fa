"""A PDF's own text is read where it is what is drawn, and a PDF that lies is read by its looks."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from pdf_pages import HEIGHT, RECEIPT, WIDTH, page, shown
from PIL import Image, ImageDraw, ImageFont

from flows.domain.fields import DocumentText, ReceiptFields
from flows.reading.documents import Limits, open_document
from flows.reading.parser import parse_receipt
from flows.reading.reader import NoTextError, Reader

TRUTH = "7.05"
LIE = "1.05"


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.fixture
def whole_pages(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Counts the pages that the engine reads whole."""
    read: list[Any] = []
    engine = reader._engine
    original = engine.read

    def counting(image: Image.Image) -> Any:
        read.append(image)
        return original(image)

    monkeypatch.setattr(engine, "read", counting)
    return read


def fields_of(text: DocumentText) -> ReceiptFields:
    return parse_receipt(text, today=dt.date(2026, 11, 29))


def total_of(reader: Reader, data: bytes) -> Decimal | None:
    total = fields_of(reader.extract(data)).total
    return total.value if total else None


def drawn_receipt(total: str = TRUTH) -> Image.Image:
    """The receipt as a picture, four pixels a point."""
    image = Image.new("L", (WIDTH * 4, HEIGHT * 4), 255)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=40)
    for row, line in enumerate(RECEIPT):
        words = line.replace(TRUTH, total).split("  ")
        draw.text((80, 80 + 88 * row), words[0], fill=0, font=font)
        draw.text((760, 80 + 88 * row), words[-1].strip() if len(words) > 1 else "", fill=0, font=font)
    return image


PICTURE = f"q {WIDTH} 0 0 {HEIGHT} 0 0 cm /P1 Do Q\n"
LYING = [line.replace(TRUTH, LIE) for line in RECEIPT]


def test_text_that_is_drawn_is_taken_as_it_is(reader: Reader, whole_pages: list[Any]) -> None:
    text = reader.extract(page(shown(RECEIPT)))
    assert whole_pages == []
    assert all(word.confidence == 1.0 for word in text.pages[0].words)
    fields = fields_of(text)
    assert fields.decision == "accept"
    assert (fields.total and fields.total.value, fields.currency and fields.currency.value) == (Decimal(TRUTH), "GBP")
    assert fields.merchant is not None and fields.merchant.value == "Corner Bakery Ltd"


def test_its_boxes_lie_on_the_print(reader: Reader) -> None:
    data = page(shown(RECEIPT))
    word = next(word for word in reader.extract(data).pages[0].words if word.text == "croissant")
    picture = open_document(data, Limits()).pages[0].image.convert("L")
    assert picture.crop(tuple(round(side) for side in word.bbox)).getextrema()[0] < 100
    assert [each.text for each in reader.read_region(data, 1, word.bbox)] == ["croissant"]


LIARS = {
    "invisible mode over a scan": (PICTURE + shown(LYING, before="3 Tr"), {"picture": drawn_receipt()}),
    "transparent over a scan": (PICTURE + shown(LYING, before="/G0 gs"), {"picture": drawn_receipt()}),
    "white beside a scan": (PICTURE + shown(LYING, before="1 1 1 rg"), {"picture": drawn_receipt()}),
    "white on white": (shown(RECEIPT) + shown([f"Total GBP {LIE}"], top=60, before="1 1 1 rg"), {}),
    "under a picture": (shown(LYING) + PICTURE, {"picture": drawn_receipt()}),
    "off the page": (shown(RECEIPT) + shown([f"Total GBP {LIE}"], left=20, top=-40), {}),
    "tiny": (shown(RECEIPT) + shown([f"Total GBP {LIE}"], left=20, top=60, size=1.2), {}),
    "other letters than are drawn": (shown(RECEIPT), {"to_unicode": {"7": "1"}}),
    "one over the other": (
        shown(RECEIPT) + shown(LYING, before="1 1 1 rg") + shown(RECEIPT),
        {},
    ),
}


@pytest.mark.parametrize("liar", LIARS)
def test_a_pdf_that_lies_is_read_by_its_looks(reader: Reader, whole_pages: list[Any], liar: str) -> None:
    content, more = LIARS[liar]
    assert total_of(reader, page(content, **more)) == Decimal(TRUTH)
    assert len(whole_pages) == 1


def test_print_that_is_not_in_the_text_is_read_beside_it(reader: Reader) -> None:
    total = Image.new("L", (480, 80), 255)
    ImageDraw.Draw(total).text((10, 10), f"Total GBP {TRUTH}", fill=0, font=ImageFont.load_default(size=48))
    content = shown([*RECEIPT[:5]]) + "q 120 0 0 20 20 240 cm /P1 Do Q\n"
    fields = fields_of(reader.extract(page(content, picture=total)))
    assert fields.total is not None and fields.total.value == Decimal(TRUTH)


def test_a_page_on_its_side_is_turned(reader: Reader, whole_pages: list[Any]) -> None:
    assert total_of(reader, page(shown(RECEIPT), rotate=90)) == Decimal(TRUTH)
    assert len(whole_pages) == 1


def test_rules_and_frames_are_no_print(reader: Reader, whole_pages: list[Any]) -> None:
    content = shown(RECEIPT) + "q 0.5 w 15 300 m 280 300 l S 10 200 280 210 re S Q\n"
    assert total_of(reader, page(content)) == Decimal(TRUTH)
    assert whole_pages == []


def test_an_empty_page_has_no_text(reader: Reader) -> None:
    with pytest.raises(NoTextError):
        reader.extract(page(""))
