"""The PP-OCR networks, one thread: where text lines are, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rapidocr.ch_ppocr_det.utils import DBPostProcess

from flows.reading.ocr import models
from flows.reading.ocr.geometry import Floats
from flows.reading.ocr.inference import Floats32, Library, Network, fitting_library
from flows.reading.ocr.lines import LINE_HEIGHT_PX
from flows.reading.ocr.pixels import Pixels, as_input, resized
from flows.reading.ocr.recognition import LineReader, Reading

# Pages are padded to whole steps. Detection works in cells of 32; with a canvas that ends at the next cell two receipts
# of 315 lost a letter of their date or name, for 2 % of the CPU. Some libraries prepare themselves for each size.
_CANVAS_STEP_PX = 160
_LARGEST_CANVAS_PX = 960
_LONG_LINE_PX = 1280
# The small network reads letters at both ends of a line better with more of nothing behind them: of 236 lines that it
# reads otherwise without it, three quarters become what they are on wide canvases.
_MORE_ROOM_PX = 48
# As in RapidOCR's configuration.
_OUTLINES: dict[str, Any] = {
    "thresh": 0.3,
    "box_thresh": 0.5,
    "max_candidates": 1000,
    "unclip_ratio": 1.6,
    "use_dilation": True,
}


class Networks:
    """Detection, and the small and the tiny recognition network, on one library.

    Attributes:
        version: changes when the same pixels could give other lines or other text.
    """

    def __init__(self, library: Library | None = None) -> None:
        library = library or fitting_library()
        few_sizes = library.prepares_sizes
        self._detection = library.load(models.detection())
        small, tiny = library.load(models.small_recognition()), library.load(models.tiny_recognition())
        characters = small.metadata["character"].splitlines()
        self._small = LineReader(small, characters, few_widths=few_sizes, more_room_px=_MORE_ROOM_PX)
        self._tiny = LineReader(tiny, models.tiny_characters(), few_widths=few_sizes)
        # The largest usual sizes first: memory that grew step by step would not be used again (120 MB less).
        _blank(self._detection, _LARGEST_CANVAS_PX, _LARGEST_CANVAS_PX)
        for network in (small, tiny):
            _blank(network, LINE_HEIGHT_PX, _LONG_LINE_PX)
        self._outlines = DBPostProcess(**_OUTLINES)
        self.version = f"{models.version()}/{library.version}"

    def find_lines(self, page: Pixels, longest_side: int) -> Floats:
        """Quads around the text lines of a BGR picture, looked for on a copy of at most `longest_side` pixels."""
        scale = min(1.0, longest_side / max(page.shape))
        height, width = (max(1, round(side * scale)) for side in page.shape[:2])
        rows, columns = (-(-side // _CANVAS_STEP_PX) * _CANVAS_STEP_PX for side in (height, width))
        canvas = np.zeros((1, 3, rows, columns), dtype=np.float32)
        canvas[..., :height, :width] = as_input(resized(page, width, height))
        boxes, _ = self._outlines(self._detection.run(canvas)[..., :height, :width], (height, width))
        quads = np.asarray(boxes, dtype=np.float64).reshape(-1, 4, 2)
        enlarged: Floats = quads * np.array([page.shape[1] / width, page.shape[0] / height])
        return enlarged

    def read_lines(self, lines: Sequence[Pixels]) -> list[Reading]:
        """The text of each line picture, LINE_HEIGHT_PX high, in BGR."""
        return _in_turn(self._small, lines)

    def draft_lines(self, lines: Sequence[Pixels]) -> list[Reading]:
        """The same by the tiny network, for a fifth of the CPU."""
        return _in_turn(self._tiny, lines)


def _in_turn(reader: LineReader, lines: Sequence[Pixels]) -> list[Reading]:
    """Like widths one after the other."""
    by_width = sorted(range(len(lines)), key=lambda number: lines[number].shape[1])
    readings = {number: reader.read(lines[number]) for number in by_width}
    return [readings[number] for number in range(len(lines))]


def _blank(network: Network, height: int, width: int) -> Floats32:
    return network.run(np.zeros((1, 3, height, width), dtype=np.float32))
