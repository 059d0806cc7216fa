"""Preprocessing finds content, light, direction, tilt and glyph size of pages whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from ocr_pages import receipt, shaded, tilted
from PIL import Image

from flows.reading.ocr.straighten import (
    content_box,
    flatten_light,
    glyph_height,
    ink_mask,
    is_sideways,
    row_direction,
    tilt_degrees,
)


def grey(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L"))


def test_content_on_a_large_blank_scan_is_found_and_specks_are_not() -> None:
    page = Image.new("RGB", (2400, 3400), "white")
    page.paste(receipt(paper=255), (900, 800))
    for x, y in ((50, 60), (2300, 3300), (100, 3000), (2200, 90)):
        page.paste((0, 0, 0), (x, y, x + 4, y + 4))
    left, top, right, bottom = content_box(grey(page))
    assert 800 <= left <= 930
    assert 750 <= top <= 860
    assert 1250 <= right <= 1500
    assert 1350 <= bottom <= 1600


def test_a_blank_page_is_content_as_a_whole() -> None:
    assert content_box(grey(Image.new("RGB", (300, 200), "white"))) == (0, 0, 300, 200)


def test_shadows_become_white_paper() -> None:
    flat = flatten_light(grey(shaded(receipt())))
    assert np.percentile(flat, 40) > 235
    assert (flat < 100).mean() == pytest.approx((grey(receipt()) < 100).mean(), abs=0.02)


def test_a_shadow_is_no_ink() -> None:
    assert (ink_mask(grey(shaded(receipt()))) > 0).mean() < 0.2


@pytest.mark.parametrize("size", [18, 30, 60])
def test_glyph_height_follows_the_print(size: int) -> None:
    height = glyph_height(grey(receipt(size=size, width=size * 20)))
    assert 0.45 * size <= height <= 0.85 * size
    assert glyph_height(np.full((200, 200), 255, np.uint8)) == 0.0


def test_sideways_print_is_told_from_upright() -> None:
    page = receipt()
    assert not is_sideways(grey(page))
    assert not is_sideways(grey(page.rotate(180)))
    assert is_sideways(grey(page.rotate(90, expand=True)))
    assert is_sideways(grey(page.rotate(270, expand=True)))


@pytest.mark.parametrize("degrees", [-7.0, -2.5, 0.0, 1.2, 5.0])
def test_tilt_is_measured_as_the_turn_that_levels_it(degrees: float) -> None:
    page = tilted(receipt(paper=255), degrees)
    assert tilt_degrees(grey(page)) == pytest.approx(degrees, abs=0.3)


@pytest.mark.parametrize("degrees", [-60.0, -20.0, -5.0, 0.0, 3.0, 14.0, 45.0, 75.0, 90.0])
def test_the_rows_direction_is_known_at_any_tilt(degrees: float) -> None:
    found = row_direction(grey(tilted(receipt(paper=255), degrees)))
    assert found is not None
    assert (found + degrees + 90) % 180 - 90 == pytest.approx(0, abs=8)


def test_noise_has_no_rows() -> None:
    assert row_direction(np.full((300, 300), 255, np.uint8)) is None
    assert row_direction(np.random.default_rng(1).integers(0, 255, (600, 600), np.uint8)) is None
