"""Paper photographed in perspective is seen from above before it is read; everything else is read as it is.

Clear means: one bright sheet on darker ground with four corners in the picture, straight sides and likely proportions.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import cv2
import numpy as np
import pytest
from ocr_pages import TABLE, from_the_side, receipt, shaded, tilted
from PIL import Image, ImageDraw

from deployments.samples import render_receipt, truth_of
from deployments.samples.catalogue import CATALOGUE
from flows.domain.fields import DocumentText, Page, ReceiptFields
from flows.reading.documents import Limits, open_document
from flows.reading.ocr import load_engine
from flows.reading.ocr.paper import flattening, keystone_degrees, paper_quad
from flows.reading.parser import parse_receipt

TODAY = dt.date(2026, 11, 22)


def sample(name: str, folder: Path) -> Image.Image:
    path = folder / name
    render_receipt(next(each for each in CATALOGUE if each.name == name), path)
    return open_document(path.read_bytes(), Limits()).pages[0].image


def fields_of(image: Image.Image, engine: str = "auto") -> ReceiptFields:
    page = load_engine(engine).read(image)
    whole = Page(number=1, width=page.upright.width, height=page.upright.height, words=page.words)
    text = DocumentText(sha256="0" * 64, media_type="image/jpeg", engine="it", engine_version="1", pages=(whole,))
    return parse_receipt(text, today=TODAY)


def main_fields(fields: ReceiptFields) -> tuple[Decimal | None, str | None]:
    day = fields.purchase_date.value.isoformat() if fields.purchase_date else None
    return fields.total.value if fields.total else None, day


def grey(image: Image.Image) -> np.ndarray:
    small = image.convert("L")
    small.thumbnail((400, 400))
    return np.asarray(small)


# Where the sheet lies and how far from a rectangle it is.


@pytest.mark.parametrize(
    ("narrower_above", "lower_at_right", "tilt"),
    [(0.0, 0.2, 0.0), (0.3, 0.0, 0.0), (0.2, 0.15, 0.05), (0.0, -0.0, 0.1)],
)
def test_the_sheets_corners_are_found(narrower_above: float, lower_at_right: float, tilt: float) -> None:
    page = Image.new("RGB", (600, 900), (245, 245, 240))
    seen = from_the_side(page, narrower_above=narrower_above, lower_at_right=lower_at_right, tilt=tilt)
    scale = 400 / max(seen.size)
    quad = paper_quad(cv2.resize(np.asarray(seen.convert("L")), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    assert quad is not None
    across, down = narrower_above * 300, lower_at_right * 450
    true = np.array([[across, 0], [600 - across, down], [600, 900 - down], [0, 900]]) + np.array((150, 135))
    true = (true - (450, 585)) @ np.array([[1, -tilt], [tilt, 1]]).T + (450, 585)
    assert np.abs(quad / scale - true).max() < 6


def test_keystone_is_the_angle_between_opposite_sides() -> None:
    square = np.array([[0.0, 0], [100, 0], [100, 100], [0, 100]])
    turned = square @ np.array([[0.8, 0.6], [-0.6, 0.8]])
    assert keystone_degrees(square) == pytest.approx(0)
    assert keystone_degrees(turned) == pytest.approx(0)
    trapezoid = np.array([[0.0, 0], [100, 10], [100, 90], [0, 100]])
    assert keystone_degrees(trapezoid) == pytest.approx(2 * np.rad2deg(np.arctan(0.1)))


# What is read as it is, without a pixel changed.


def two_sheets() -> Image.Image:
    one, other = (from_the_side(receipt(), lower_at_right=0.2) for _ in range(2))
    both = Image.new("RGB", (one.width + other.width, one.height), TABLE)
    both.paste(one, (0, 0))
    both.paste(other, (one.width, 0))
    return both


def folded() -> Image.Image:
    """A sheet with a corner folded away."""
    page = receipt()
    ImageDraw.Draw(page).polygon([(0, 0), (300, 0), (0, 400)], fill=TABLE)
    return from_the_side(page, lower_at_right=0.2)


def curled() -> Image.Image:
    """A sheet whose sides are bows."""
    seen = np.asarray(from_the_side(receipt(), lower_at_right=0.2))
    rows, columns = np.mgrid[0 : seen.shape[0], 0 : seen.shape[1]].astype(np.float32)
    bow = 60 * np.sin(columns / seen.shape[1] * np.pi)
    return Image.fromarray(cv2.remap(seen, columns, rows + bow - 30, cv2.INTER_LINEAR, borderValue=TABLE))


def cut_off() -> Image.Image:
    """A sheet that leaves the picture below."""
    seen = from_the_side(receipt(), lower_at_right=0.2)
    return seen.crop((0, 0, seen.width, round(seen.height * 0.7)))


def on_light_ground() -> Image.Image:
    pixels = np.asarray(from_the_side(receipt(paper=250), lower_at_right=0.2)).copy()
    pixels[(pixels == TABLE).all(axis=2)] = 235
    return Image.fromarray(pixels)


LEFT_ALONE = {
    "flat scan": receipt,
    "shadow": lambda: shaded(receipt()),
    "tilted scan": lambda: tilted(receipt(paper=255), 7),
    "scan on black": lambda: from_the_side(receipt()),
    "tilted on black": lambda: from_the_side(receipt(), tilt=0.12),
    "slight perspective": lambda: from_the_side(receipt(), lower_at_right=0.03, narrower_above=0.03),
    "black page": lambda: Image.new("RGB", (500, 800), "black"),
    "blank page": lambda: Image.new("L", (500, 800), 255),
    "sliver": lambda: Image.new("L", (40, 3000), 200),
    "two sheets": two_sheets,
    "folded": folded,
    "curled": curled,
    "cut off": cut_off,
    "light ground": on_light_ground,
    "noise": lambda: Image.fromarray(np.random.default_rng(3).integers(0, 255, (800, 600), np.uint8)),
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_is_not_clearly_in_perspective_is_left_alone(name: str) -> None:
    assert flattening(LEFT_ALONE[name]()) is None


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_page_that_is_left_alone_reaches_the_engine_as_the_same_object(
    monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    engine, seen = load_engine("tesseract"), []
    monkeypatch.setattr(engine._engine, "read", seen.append)
    page = receipt().convert(mode)
    engine.read(page)
    assert seen[0] is page


def test_of_the_samples_only_photographs_count_as_perspective(tmp_path: Path) -> None:
    flattened = [each for each in CATALOGUE if flattening(sample(each.name, tmp_path)) is not None]
    assert [each.name for each in flattened] == ["fi-kauppa.heic"]
    assert all(each.wear.photographed for each in flattened)


# What is gained.


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_whole_page_is_kept_and_the_sheet_is_a_rectangle(mode: str) -> None:
    seen = from_the_side(receipt(), narrower_above=0.15, lower_at_right=0.2).convert(mode)
    way = flattening(seen)
    assert way is not None
    frame = way.map(np.array([[0.0, 0], [seen.width, 0], [seen.width, seen.height], [0, seen.height]]))
    assert frame.min() > -1 and frame[:, 0].max() < way.width + 1 and frame[:, 1].max() < way.height + 1
    flat = way.apply(seen)
    assert flat.mode == mode
    assert flat.width * flat.height <= 1.3 * seen.width * seen.height
    quad = paper_quad(grey(flat))
    assert quad is None or keystone_degrees(quad) < 1.0


GOLDEN = ("us-diner.jpg", "my-restaurant.jpg", "us-hardware.png", "nl-drogist.jpg", "sg-bakery.png")
# Its sums agree well enough that it is read right as it lies.
READ_EITHER_WAY = {"us-diner.jpg"}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_sample_seen_from_the_side_is_read_as_from_above(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = from_the_side(sample(name, tmp_path), lower_at_right=0.22)
    truth = truth_of(name)
    wanted = Decimal(truth["total"]), truth["purchase_date"]
    after = fields_of(seen)
    assert main_fields(after) == wanted
    assert after.decision == "accept", after.reasons
    monkeypatch.setattr("flows.reading.ocr.engine.flattening", lambda image: None)
    before = fields_of(seen)
    needless = main_fields(before) == wanted and before.decision == "accept"
    assert needless == (name in READ_EITHER_WAY)


def test_boxes_and_preview_lie_on_the_straightened_page(tmp_path: Path) -> None:
    seen = from_the_side(receipt(), lower_at_right=0.25)
    page = load_engine("auto").read(seen)
    shown = page.upright.apply(seen)
    assert shown.size == (page.upright.width, page.upright.height)
    word = next(word for word in page.words if "Sourdough" in word.text)
    cut = np.asarray(shown.convert("L").crop(tuple(round(v) for v in word.bbox)))
    assert cut.min() < 90 and np.median(cut) > 180
    alone = load_engine("auto").upright(seen)
    assert np.allclose(alone.matrix, page.upright.matrix)
    assert (alone.width, alone.height) == (page.upright.width, page.upright.height)
