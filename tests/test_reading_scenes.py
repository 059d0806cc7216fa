"""Pictures that are not one receipt on one page: each has a defined end.

Several receipts on one picture, or pages of several, go to a person with that reason; pages of one receipt are joined;
a half of one goes to a person; what is no receipt says so; what has no text at all is refused. Samples as they are
rendered and read by the default engine, from bytes to the decision.
"""

from __future__ import annotations

import datetime as dt
import functools
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from ocr_pages import TABLE
from PIL import Image, ImageDraw, ImageFont

from deployments.samples import render_receipt, truth_of
from deployments.samples.catalogue import CATALOGUE
from flows.domain.fields import ReceiptFields
from flows.reading.documents import Limits, open_document
from flows.reading.parser import parse_receipt
from flows.reading.reader import NoTextError, Reader

TODAY = dt.date(2026, 11, 22)
GAP = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("samples")


@functools.cache
def sample(name: str, folder: Path) -> Image.Image:
    path = folder / name
    if not path.exists():
        render_receipt(next(each for each in CATALOGUE if each.name == name), path)
    return open_document(path.read_bytes(), Limits()).pages[0].image.convert("RGB")


def fields_of(*pages: Image.Image, kind: str = "PNG") -> ReceiptFields:
    buffer = io.BytesIO()
    if kind == "PNG":
        pages[0].save(buffer, kind, compress_level=1)
    else:
        pages[0].save(buffer, kind, save_all=True, append_images=pages[1:], resolution=200)
    return parse_receipt(Reader().extract(buffer.getvalue()), today=TODAY)


def side_by_side(one: Image.Image, other: Image.Image, ground: tuple[int, int, int] = (250, 249, 246)) -> Image.Image:
    both = Image.new("RGB", (one.width + other.width + 3 * GAP, max(one.height, other.height) + 2 * GAP), ground)
    both.paste(one, (GAP, GAP))
    both.paste(other, (one.width + 2 * GAP, GAP))
    return both


def stacked(one: Image.Image, other: Image.Image, ground: tuple[int, int, int] = (250, 249, 246)) -> Image.Image:
    both = Image.new("RGB", (max(one.width, other.width) + 2 * GAP, one.height + other.height + 3 * GAP), ground)
    both.paste(one, (GAP, GAP))
    both.paste(other, (GAP, one.height + 2 * GAP))
    return both


def askew(one: Image.Image, other: Image.Image) -> Image.Image:
    """Both on a dark table, each turned a little, one this way and one that way."""
    turned = [
        page.rotate(degrees, expand=True, fillcolor=TABLE, resample=Image.Resampling.BICUBIC)
        for page, degrees in ((one, 4), (other, -3))
    ]
    return side_by_side(turned[0], turned[1], TABLE)


PAIRS = [
    ("us-diner.jpg", "uk-grocer.jpg"),
    ("fr-boulangerie.jpg", "nl-drogist.jpg"),
    ("us-hardware.png", "us-diner.jpg"),
    ("de-supermarkt.jpg", "de-gasthaus.tiff"),
]


@pytest.mark.parametrize("laid_out", [side_by_side, stacked, askew], ids=lambda laid_out: laid_out.__name__)
@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
def test_two_receipts_on_one_picture_go_to_a_person(
    folder: Path, pair: tuple[str, str], laid_out: Callable[[Image.Image, Image.Image], Image.Image]
) -> None:
    fields = fields_of(laid_out(*(sample(name, folder) for name in pair)))
    assert fields.decision == "review"
    assert any(reason.startswith("several receipts: ") for reason in fields.reasons), fields.reasons


@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
def test_pages_of_two_receipts_go_to_a_person(folder: Path, pair: tuple[str, str]) -> None:
    fields = fields_of(*(sample(name, folder) for name in pair), kind="PDF")
    assert any(reason.startswith("several receipts: the pages have different totals") for reason in fields.reasons)


def test_a_receipt_over_two_pages_is_joined(folder: Path) -> None:
    sample("uk-trade-counter.pdf", folder)
    truth = truth_of("uk-trade-counter.pdf")
    fields = parse_receipt(Reader().extract((folder / "uk-trade-counter.pdf").read_bytes()), today=TODAY)
    assert_as_in(truth, fields)
    assert fields.total is not None and fields.total.page == 2
    assert len(fields.line_items) == len(truth["line_items"])
    assert fields.decision == "accept", fields.reasons


def assert_as_in(truth: dict, fields: ReceiptFields) -> None:
    assert fields.total is not None and fields.total.value == Decimal(truth["total"])
    assert fields.purchase_date is not None and fields.purchase_date.value.isoformat() == truth["purchase_date"]
    assert fields.merchant is not None and fields.merchant.value.casefold() == truth["merchant"].casefold()


def halves(page: Image.Image, share: float = 0.5) -> tuple[Image.Image, Image.Image]:
    cut = round(page.height * share)
    return page.crop((0, 0, page.width, cut)), page.crop((0, cut, page.width, page.height))


@pytest.mark.parametrize("kind", ["PDF", "TIFF"])
def test_a_long_receipt_photographed_in_two_parts_is_joined(folder: Path, kind: str) -> None:
    fields = fields_of(*halves(sample("us-hardware.png", folder)), kind=kind)
    assert_as_in(truth_of("us-hardware.png"), fields)
    assert fields.decision == "accept", fields.reasons


@pytest.mark.parametrize("name", ["us-hardware.png", "fr-boulangerie.jpg", "us-diner.jpg"])
def test_half_a_receipt_goes_to_a_person(folder: Path, name: str) -> None:
    upper, _ = halves(sample(name, folder), 0.45)
    fields = fields_of(upper)
    assert fields.decision == "review"
    assert any(reason.startswith(("total: ", "no receipt: ")) for reason in fields.reasons), fields.reasons


def test_an_empty_back_is_no_second_receipt(folder: Path) -> None:
    page = sample("us-hardware.png", folder)
    fields = fields_of(page, Image.new("RGB", page.size, "white"), kind="PDF")
    assert_as_in(truth_of("us-hardware.png"), fields)
    assert fields.decision == "accept", fields.reasons


def test_a_receipt_scanned_twice_is_one(folder: Path) -> None:
    page = sample("us-hardware.png", folder)
    fields = fields_of(page, page, kind="PDF")
    assert_as_in(truth_of("us-hardware.png"), fields)


LETTER = """Dear Ms Miller,
thank you for your letter of 3 March 2026 and
for the time that you took for our meeting in
Leeds. We have noted your wish to move to the
new office in the summer and shall come back
to you with a plan before the end of May.
Yours sincerely,
Jonathan Smith"""

MENU = """BLUE DOOR BISTRO
Starters
Tomato soup          6.50
Caesar salad        12.00
Mains
Burger and chips    15.50
Fish of the day     19.00
Risotto             14.50
Desserts
Apple pie            7.00
Ice cream            5.50
Drinks
Lemonade             3.50
Espresso             2.80"""

CARD = """Jonathan Smith
Head of Purchasing
Miller & Sons Ltd
12 High Street, Leeds LS1 4AB
0113 555 0142
j.smith@miller-sons.example"""


def printed(text: str) -> Image.Image:
    lines = text.split("\n")
    page = Image.new("RGB", (900, 60 * (len(lines) + 2)), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(size=30)
    for row, line in enumerate(lines, start=1):
        left, _, right = line.partition("   ")
        draw.text((40, 60 * row), left, fill="black", font=font)
        draw.text((600, 60 * row), right.strip(), fill="black", font=font)
    return page


@pytest.mark.parametrize("text", [LETTER, CARD], ids=["letter", "business card"])
def test_a_page_without_amounts_is_no_receipt(text: str) -> None:
    assert fields_of(printed(text)).reasons == ("no receipt: no amount of money is on the page",)


def test_a_menu_goes_to_a_person() -> None:
    fields = fields_of(printed(MENU))
    assert fields.decision == "review"
    assert any(reason.startswith("no receipt: ") for reason in fields.reasons), fields.reasons


def test_a_table_without_a_receipt_is_refused() -> None:
    with pytest.raises(NoTextError):
        fields_of(Image.effect_noise((900, 700), 18).convert("RGB"))
