"""The networks find lines wherever they stand, read them and say how sure they are of each piece; on each library."""

from __future__ import annotations

import numpy as np
import pytest
from ocr_pages import LINES, receipt

from flows.reading.ocr.inference import Library, OnnxRuntime, OpenVino
from flows.reading.ocr.lines import LINE_HEIGHT_PX, line_image
from flows.reading.ocr.networks import Networks


@pytest.fixture(scope="module", params=[OnnxRuntime, OpenVino])
def networks(request: pytest.FixtureRequest) -> Networks:
    library: Library = request.param()
    return Networks(library)


def bgr(width: int = 560) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(receipt(width=width))[:, :, ::-1])


@pytest.mark.parametrize("longest_side", [480, 960])
def test_line_quads_lie_on_the_page_whatever_it_is_reduced_to(networks: Networks, longest_side: int) -> None:
    page = bgr()
    quads = networks.find_lines(page, longest_side)
    assert len(quads) >= len(LINES)
    assert quads[..., 0].max() <= page.shape[1] and quads[..., 1].max() <= page.shape[0]
    tops = sorted(float(quad[:, 1].min()) for quad in quads)
    assert tops[0] == pytest.approx(57, abs=20)


def test_lines_come_back_in_the_order_given(networks: Networks) -> None:
    page = bgr()
    quads = networks.find_lines(page, 960)
    lines = [line_image(page, quad) for quad in quads]
    forth, back = networks.read_lines(lines), networks.read_lines(lines[::-1])
    assert [reading.text for reading in forth] == [reading.text for reading in back[::-1]]


def test_the_tiny_network_reads_the_same_print(networks: Networks) -> None:
    page = bgr()
    lines = [line_image(page, quad) for quad in networks.find_lines(page, 960)]
    read, drafted = networks.read_lines(lines), networks.draft_lines(lines)
    assert [reading.text.replace(" ", "") for reading in drafted] == [reading.text.replace(" ", "") for reading in read]
    assert all(draft.least_digit and draft.least_digit > 0.9 for draft in drafted if draft.text[-1:].isdecimal())


def test_each_piece_has_its_confidence(networks: Networks) -> None:
    page = bgr()
    readings = networks.read_lines([line_image(page, quad) for quad in networks.find_lines(page, 960)])
    (date,) = [reading for reading in readings if "14/03/2024" in reading.text]
    assert len(date.parts) == len(date.text.split())
    assert all(0.9 < part <= 1.0 for part in date.parts)


def test_nothing_and_noise_are_read_without_harm(networks: Networks) -> None:
    assert networks.read_lines([]) == []
    assert networks.find_lines(np.full((40, 30, 3), 255, np.uint8), 960).shape == (0, 4, 2)
    noise = np.random.default_rng(1).integers(0, 255, (LINE_HEIGHT_PX, 9000, 3), dtype=np.uint8)
    (reading,) = networks.read_lines([noise])
    assert 0.0 <= reading.confidence <= 1.0
