"""HTML and plain text are read as they are seen, without OCR; what is hidden does not count."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from flows.domain.fields import BBox, ReceiptFields
from flows.reading.documents import Limits, TooManyPagesError, UnsupportedTypeError, open_document
from flows.reading.documents.html_lines import html_lines
from flows.reading.parser import parse_receipt
from flows.reading.reader import NoTextError, Reader

PLAIN = """Corner Bakery Ltd
12 High Street, Leeds
14/03/2024 12:31

Sourdough bread              4.75
Butter croissant             2.30
Total                   GBP  7.05
Card                         7.05
"""
HTML = """<!DOCTYPE html><html><head><title>Your order</title>
<style>.preheader { display: none } b { color: red }</style>
</head><body><div class="preheader">Total GBP 1.05</div><h1>Corner Bakery Ltd</h1><p>12 High Street,<br>Leeds</p>
<p>Order date: 14&nbsp;March 2024, 12:31</p>
<table><tr><th>Item</th><th>Price</th></tr><tr><td>Sourdough bread</td><td>£4.75</td></tr>
<tr><td>Butter croissant</td><td><table><tr><td>£2.30</td></tr></table></td></tr>
<tr><td><b>Total</b></td><td><b>£7.05</b></td></tr></table>
<span style="DISPLAY : none !important">Total £2.05</span>
<p style="font-size:0">Total £3.05</p><p hidden>Total £4.05</p>
<div style="opacity:0">Total £5.05</div><script>document.write("Total £6.05")</script><p>Thank you!
"""


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


def fields_of(reader: Reader, data: bytes) -> ReceiptFields:
    return parse_receipt(reader.extract(data), today=dt.date(2026, 11, 29))


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PLAIN.encode(), "text/plain"),
        (PLAIN.replace("GBP", "£").encode("cp1252"), "text/plain"),
        (PLAIN.encode("utf-16"), "text/plain"),
        (HTML.encode(), "text/html"),
        (b"\xef\xbb\xbf" + HTML.encode(), "text/html"),
    ],
)
def test_a_text_is_read_without_a_misread(reader: Reader, data: bytes, media_type: str) -> None:
    text = reader.extract(data)
    assert text.media_type == media_type
    fields = fields_of(reader, data)
    assert (fields.total and fields.total.value) == Decimal("7.05")
    assert (fields.currency and fields.currency.value) == "GBP"
    assert (fields.purchase_date and fields.purchase_date.value) == dt.date(2024, 3, 14)
    assert (fields.merchant and fields.merchant.value) == "Corner Bakery Ltd"
    assert fields.decision == "accept"


def test_html_is_laid_out_as_it_is_seen() -> None:
    lines = html_lines(HTML)
    assert lines == [
        "Corner Bakery Ltd",
        "12 High Street,",
        "Leeds",
        "Order date: 14 March 2024, 12:31",
        "Item   Price",
        "Sourdough bread   £4.75",
        "Butter croissant",
        "£2.30",
        "Total   £7.05",
        "Thank you!",
    ]


@pytest.mark.parametrize(
    "html",
    [
        "<p>" * 50_000 + "x",
        "<table><td>1<tr></p></div><td>2",
        "<!--",
        "<a " * 60_000,
        '<a b="' * 30_000,
        "<!--" * 50_000,
        "</" * 50_000,
        "<a" + ' b="' * 60_000 + ">",
        "<p style='color",
        "&#x110000;",
    ],
)
def test_broken_html_gives_some_lines(html: str) -> None:
    assert isinstance(html_lines(html), list)


def test_values_lie_on_a_page_that_can_be_shown_and_read_again(reader: Reader) -> None:
    fields = fields_of(reader, PLAIN.encode())
    assert fields.total is not None and fields.total.bbox is not None
    page = open_document(PLAIN.encode(), Limits()).pages[0].image
    assert page.crop(tuple(round(side) for side in fields.total.bbox)).getextrema()[0] < 100
    assert reader.preview(PLAIN.encode())[:2] == b"\xff\xd8"
    again = reader.read_region(PLAIN.encode(), 1, BBox(*fields.total.bbox))
    assert "7.05" in again[-1].text


def test_hardly_any_text_is_none(reader: Reader) -> None:
    with pytest.raises(NoTextError):
        reader.extract(b"<!DOCTYPE html><html><body>Total 63.63</body></html>")


def test_a_text_is_bounded() -> None:
    with pytest.raises(TooManyPagesError):
        open_document(b"2024-03-14 Bread 1.20\n" * 3000, Limits(max_pages=20))


@pytest.mark.parametrize("data", [b"total,1.20\n\x00\x01\x02\x03" * 10, bytes(range(1, 32)) * 9])
def test_bytes_are_no_text(data: bytes) -> None:
    with pytest.raises(UnsupportedTypeError):
        open_document(data, Limits())
