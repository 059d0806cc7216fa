"""Tiles: a page of usual shape is one tile; of a long one every point lies in exactly one core, off its tile's cuts."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flows.reading.ocr.tiles import tiles_of


def test_a_page_of_usual_shape_is_one_tile() -> None:
    (tile,) = tiles_of(1600, 900)
    assert (tile.rows, tile.columns) == (slice(0, 1600), slice(0, 900))


@given(st.integers(32, 4000), st.integers(32, 4000), st.floats(0, 0.999), st.floats(0, 0.999))
def test_every_point_is_in_one_core(height: int, width: int, down: float, along: float) -> None:
    point = np.array([[along * width, down * height]])
    holding = [tile for tile in tiles_of(height, width) if tile.has(point)[0]]
    assert len(holding) == 1
    rows, columns = holding[0].rows, holding[0].columns
    assert rows.start <= point[0, 1] < rows.stop
    assert columns.start <= point[0, 0] < columns.stop


@given(st.integers(32, 1000), st.integers(5, 40))
def test_cores_keep_off_the_cuts(short: int, times: int) -> None:
    tiles = tiles_of(short * times, short)
    assert len(tiles) > 1
    for tile in tiles[1:]:
        assert tile.core_rows[0] - tile.rows.start >= 0.1 * short
    for tile in tiles[:-1]:
        assert tile.rows.stop - tile.core_rows[1] >= 0.1 * short
