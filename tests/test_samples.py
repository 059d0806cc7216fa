"""The sample receipts: exact arithmetic, truth that says what is printed, the same bytes for the same seed, and
hostile files that are what they claim to be, each refused by intake."""

import datetime as dt
import json
import resource
import struct
from decimal import Decimal

import pytest
from PIL import Image

from deployments.samples import HOSTILE, SampleReceipt, render_hostile, render_receipt, render_samples, truth_of
from deployments.samples.catalogue import CATALOGUE
from deployments.samples.paper import print_page
from deployments.samples.sums import add_up, to_step
from deployments.samples.typeset import Cell, Row, typeset
from flows.domain.errors import UnreadableError
from flows.reading.documents import Limits, open_document

D = Decimal


def _named(name: str) -> SampleReceipt:
    return next(receipt for receipt in CATALOGUE if receipt.name == name)


@pytest.mark.parametrize("receipt", CATALOGUE, ids=lambda receipt: receipt.name)
def test_every_amount_follows_from_the_others(receipt):
    sums, truth = add_up(receipt), truth_of(receipt.name)
    added = D(0) if receipt.locale.tax_included else sums.tax
    assert D(truth["total"]) == sum(sums.lines) + added + sums.tip + sums.rounding
    assert sum(D(item["total"]) for item in truth["line_items"]) == sums.subtotal
    assert all(row.net + row.amount == row.gross for row in sums.taxes)
    assert -sums.total.as_tuple().exponent == receipt.locale.decimals
    if receipt.tendered is not None:
        assert receipt.tendered - sums.change == sums.total


@pytest.mark.parametrize("receipt", CATALOGUE, ids=lambda receipt: receipt.name)
def test_truth_stands_on_the_paper(receipt):
    rows = [row for page in typeset(receipt) for row in page]
    text = "\n".join(cell.text for row in rows for cell in row.cells)
    digits = truth_of(receipt.name)["total"].replace(".", "")
    assert digits in "".join(letter for letter in text if letter.isdigit())
    assert receipt.merchant.upper() in text.upper().replace("\n", " ")
    assert str(receipt.when.year % 100) in text
    assert receipt.number in text


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("us-diner.jpg", "60.46"),  # 46.90 + 8.875 % tax + tip
        ("my-stationer.jpg", "41.05"),  # 41.06 to five sen
        ("my-restaurant.jpg", "66.90"),  # 66.89 to five sen
        ("ch-buchhandlung.jpg", "1280.75"),  # 1280.76 to five rappen
        ("in-electronics.jpg", "123000.00"),  # 123000.02 to the rupee
        ("se-bageri.jpg", "374.00"),  # 373.50 to the krona
        ("jp-shop.png", "2775"),
    ],
)
def test_totals_worked_out_by_hand(name, total):
    assert truth_of(name)["total"] == total


def test_rounds_half_up_to_coins():
    assert to_step(D("112.46"), D("0.05")) == D("112.45")
    assert to_step(D("112.475"), D("0.05")) == D("112.50")


def test_catalogue_shows_the_variety():
    assert len(CATALOGUE) == 24
    assert len({receipt.merchant for receipt in CATALOGUE}) == len({receipt.name for receipt in CATALOGUE}) == 24
    assert len({receipt.locale.currency for receipt in CATALOGUE}) >= 9
    assert {receipt.name.rpartition(".")[2] for receipt in CATALOGUE} == {"jpg", "png", "webp", "tiff", "heic", "pdf"}
    assert all(dt.date(2024, 1, 1) <= receipt.when.date() < dt.date(2026, 11, 1) for receipt in CATALOGUE)
    ambiguous = [r for r in CATALOGUE if r.when.day <= 12 and r.when.day != r.when.month and "yyyy-" not in
                 r.locale.date_format and "MMM" not in r.locale.date_format]  # fmt: skip
    assert 3 <= len(ambiguous) < 12
    effects = {effect for receipt in CATALOGUE for effect in receipt.wear.effects}
    assert effects == {"tilt", "blur", "noise", "shadow", "faded", "crumpled", "photographed", "sideways",
                       "low_jpeg_quality"}  # fmt: skip
    assert sum(not receipt.wear.effects for receipt in CATALOGUE) >= 6


def test_every_sample_is_written_with_its_truth_and_opens(tmp_path):
    render_samples(tmp_path)
    truths = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert sorted([*truths, "truth.json"]) == sorted(path.name for path in tmp_path.iterdir())
    for name, truth in truths.items():
        assert truth == truth_of(name)
        pages = open_document((tmp_path / name).read_bytes(), Limits()).pages
        assert len(pages) == (2 if name.endswith(".pdf") else 1)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff", ".heic", ".pdf"])
def test_same_seed_same_bytes_in_every_format(tmp_path, suffix):
    receipt = next(receipt for receipt in CATALOGUE if receipt.name.endswith(suffix))
    for copy in ("a", "b"):
        render_receipt(receipt, tmp_path / f"{copy}{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_another_seed_wears_differently(tmp_path):
    for seed in (1, 2):
        render_receipt(_named("my-stationer.jpg"), tmp_path / f"{seed}.jpg", seed=seed)
    assert (tmp_path / "1.jpg").read_bytes() != (tmp_path / "2.jpg").read_bytes()


def test_count_takes_the_first(tmp_path):
    render_samples(tmp_path, count=2)
    assert list(json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))) == [r.name for r in CATALOGUE[:2]]
    with pytest.raises(ValueError, match="count must be"):
        render_samples(tmp_path, count=len(CATALOGUE) + 1)


def test_sideways_sample_is_upright_by_its_exif_tag(tmp_path):
    path = tmp_path / "sideways.jpg"
    render_receipt(_named("de-baumarkt-sideways.jpg"), path)
    with Image.open(path) as stored:
        assert stored.width > stored.height
    page = open_document(path.read_bytes(), Limits()).pages[0].image
    assert page.width < page.height


def test_a_row_that_does_not_fit_is_refused():
    row = Row((Cell("x" * 30, 0.0, "left"), Cell("y" * 30, 1.0, "right")))
    with pytest.raises(ValueError, match="does not fit"):
        print_page([row], CATALOGUE[0].layout)


def test_hostile_files_are_refused_by_intake(tmp_path):
    states = render_hostile(tmp_path)
    assert states == dict(HOSTILE)
    assert set(states) == {path.name for path in tmp_path.iterdir()}
    for name in set(states) - {"no-text.jpg"}:
        with pytest.raises(UnreadableError):
            open_document((tmp_path / name).read_bytes(), Limits())
    assert open_document((tmp_path / "no-text.jpg").read_bytes(), Limits()).pages


def test_the_huge_picture_is_cheap(tmp_path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    render_hostile(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes
    assert (tmp_path / "huge.png").stat().st_size < 200_000
    header = (tmp_path / "huge.png").read_bytes()[16:24]
    assert struct.unpack(">II", header) == (20_000, 15_000)
