"""Line geometry: the page's turn, joined neighbours, room at line ends, reading order; points map there and back."""

from __future__ import annotations

import numpy as np
import pytest

from flows.domain.fields import BBox, Word
from flows.reading.ocr.geometry import Upright, bbox_of
from flows.reading.ocr.lines import (
    LINE_HEIGHT_PX,
    in_reading_order,
    joined,
    line_image,
    page_turn,
    turned_quads,
    widened,
)


def quad(left: float, top: float, width: float, height: float = 20.0) -> np.ndarray:
    return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]], dtype=float)


def clockwise_from_top_left(quads: np.ndarray) -> np.ndarray:
    """The corner order that detection reports, whichever way the text runs."""
    ordered = []
    for points in quads:
        left, right = np.split(points[np.argsort(points[:, 0], kind="stable")], 2)
        (tl, bl), (tr, br) = left[np.argsort(left[:, 1])], right[np.argsort(right[:, 1])]
        ordered.append([tl, tr, br, bl])
    return np.array(ordered)


PAGE = np.array([quad(20, 20 + 40 * i, 100 + 13 * i) for i in range(8)])


@pytest.mark.parametrize("degrees", [-80, -20.0, -3.0, 0.0, 2.0, 15.0, 88.0, 90.0, 93.0])
def test_the_page_turn_levels_the_lines(degrees: float) -> None:
    seen = clockwise_from_top_left(Upright.turned((400, 400), degrees).map(PAGE))
    turn = page_turn(seen)
    level = Upright.turned((600, 600), turn).map(turned_quads(seen, turn))
    along = level[:, 1] - level[:, 0]
    assert np.abs(along[:, 1]).max() < 1.0
    assert (np.abs(along[:, 0]) > 90).all()


def test_without_clear_lines_the_page_stays() -> None:
    assert page_turn(np.array([quad(0, 0, 20), quad(40, 0, 22)])) == 0.0


def test_points_come_back_from_the_upright_picture() -> None:
    upright = Upright.turned((300, 500), 93.7)
    assert np.allclose(upright.unmap(upright.map(PAGE)), PAGE, atol=1e-6)
    corners = upright.map(np.array([[0, 0], [300, 0], [300, 500], [0, 500]], dtype=float))
    assert corners.min() >= -1
    assert corners[:, 0].max() <= upright.width + 1
    assert corners[:, 1].max() <= upright.height + 1


def test_a_broken_amount_is_joined_and_columns_are_not() -> None:
    lines = joined(np.array([quad(300, 100, 30), quad(10, 100, 80), quad(333, 101, 40), quad(300, 140, 40)]))
    spans = sorted((round(q[0, 0]), round(q[1, 0])) for q in lines)
    assert spans == [(10, 90), (300, 340), (300, 373)]
    assert joined(np.zeros((0, 4, 2))).shape == (0, 4, 2)


def test_lines_get_room_at_their_ends_only() -> None:
    wide = widened(PAGE)
    assert (wide[:, 0, 0] < PAGE[:, 0, 0]).all()
    assert (wide[:, 1, 0] > PAGE[:, 1, 0]).all()
    assert np.allclose(wide[:, :, 1], PAGE[:, :, 1])


def test_a_line_image_has_the_models_height_and_grey_room_behind() -> None:
    page = np.full((200, 400, 3), 255, np.uint8)
    line = line_image(page, quad(10, 10, 300, 24))
    assert line.shape[0] == LINE_HEIGHT_PX
    assert line.shape[1] == 600 + 48
    assert (line[:, :600] == 255).all()
    assert (line[:, 600:] == 128).all()


def test_rows_are_read_from_top_to_bottom_and_left_to_right() -> None:
    def word(text: str, left: float, top: float) -> Word:
        return Word(text=text, confidence=1.0, bbox=BBox(left, top, left + 50, top + 20))

    words = [word("10.90", 300, 104), word("CASH", 10, 140), word("TOTAL", 10, 100), word("SHOP", 80, 5)]
    assert [w.text for w in in_reading_order(words)] == ["SHOP", "TOTAL", "10.90", "CASH"]


def test_boxes_are_cut_to_the_page() -> None:
    assert bbox_of(np.array([[-5.0, 3.0], [120.0, 40.0]]), 100, 30) == (0.0, 3.0, 100.0, 30.0)
