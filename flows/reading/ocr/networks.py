"""The two PP-OCR networks of RapidOCR's wheel on OpenVINO, one thread: where text lines are, and what they say.

OpenVINO because it takes a quarter (detection) and a half (recognition) of onnxruntime's CPU at the same precision,
and half of that again where the processor computes in 16 bits by itself (docs/decisions.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino
import rapidocr
from numpy.typing import NDArray
from rapidocr.ch_ppocr_det.utils import DBPostProcess

from flows.domain.errors import ConfigurationError
from flows.reading.ocr.geometry import Floats
from flows.reading.ocr.lines import LINE_HEIGHT_PX

Pixels = NDArray[np.uint8]

_MODELS = Path(rapidocr.__file__).parent / "models"
_DETECTION, _RECOGNITION = _MODELS / "PP-OCRv6_det_small.onnx", _MODELS / "PP-OCRv6_rec_small.onnx"
# Pages are padded to whole steps: every size costs memory and preparation of its own. Detection works in cells of 32.
_CANVAS_STEP_PX = 160
_LARGEST_CANVAS_PX = 960
# As in RapidOCR's configuration.
_OUTLINES: dict[str, Any] = {
    "thresh": 0.3,
    "box_thresh": 0.5,
    "max_candidates": 1000,
    "unclip_ratio": 1.6,
    "use_dilation": True,
}
# Lines are padded to one of these, since every width costs memory and preparation of its own: 11 widths instead of 26
# took 0.73 of the CPU and 180 MB less.
_WIDTHS_PX = (160, 224, 320, 448, 640, 896, 1280, 1792, 2560, 3584)
_LONG_LINE_PX = 1280


@dataclass(frozen=True)
class Reading:
    """What a line says, the mean confidence of its characters, and a confidence for each piece between spaces.

    A piece with digits is as sure as its least sure digit, since one wrong digit is what makes a total wrong.
    """

    text: str
    confidence: float
    parts: tuple[float, ...]


class Networks:
    """Both networks, compiled for this processor.

    Attributes:
        version: changes when the same pixels could give other lines or other text.
    """

    def __init__(self) -> None:
        core = openvino.Core()
        # 16-bit floats where the processor computes with them: 4 of 727 lines differed. bfloat16 changed 13.
        precision = "f16" if "FP16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
        self._detection = _compiled(core, _model(core, _DETECTION), precision)
        recognition = _model(core, _RECOGNITION)
        known = recognition.get_rt_info(["framework", "character"]).value.splitlines()
        self._characters = ("", *known, " ")  # the first stands for what is between characters
        self._recognition = _compiled(core, recognition, precision)
        # The largest usual sizes first: memory that grew step by step would not be used again (120 MB less).
        _run(self._detection, np.zeros((1, 3, _LARGEST_CANVAS_PX, _LARGEST_CANVAS_PX), dtype=np.float32))
        _run(self._recognition, np.zeros((1, 3, LINE_HEIGHT_PX, _LONG_LINE_PX), dtype=np.float32))
        self._outlines = DBPostProcess(**_OUTLINES)
        self.version = f"openvino-{openvino.__version__.split('-')[0]}-{precision}"

    def find_lines(self, page: Pixels, longest_side: int) -> Floats:
        """Quads around the text lines of a BGR picture, looked for on a copy of at most `longest_side` pixels."""
        scale = min(1.0, longest_side / max(page.shape))
        height, width = (max(1, round(side * scale)) for side in page.shape[:2])
        rows, columns = (-(-side // _CANVAS_STEP_PX) * _CANVAS_STEP_PX for side in (height, width))
        canvas = np.zeros((1, 3, rows, columns), dtype=np.float32)
        canvas[..., :height, :width] = _as_input(_resized(page, width, height))
        boxes, _ = self._outlines(_run(self._detection, canvas)[..., :height, :width], (height, width))
        quads = np.asarray(boxes, dtype=np.float64).reshape(-1, 4, 2)
        enlarged: Floats = quads * np.array([page.shape[1] / width, page.shape[0] / height])
        return enlarged

    def read_lines(self, lines: Sequence[Pixels]) -> list[Reading]:
        """The text of each line picture, LINE_HEIGHT_PX high, in BGR."""
        readings: dict[int, Reading] = {}
        for number in sorted(range(len(lines)), key=lambda i: lines[i].shape[1]):  # like widths one after the other
            readings[number] = self._read(lines[number])
        return [readings[number] for number in range(len(lines))]

    def _read(self, line: Pixels) -> Reading:
        width = next((wide for wide in _WIDTHS_PX if wide >= line.shape[1]), _WIDTHS_PX[-1])
        if line.shape[1] > width:
            line = _resized(line, width, LINE_HEIGHT_PX)
        padded = np.zeros((1, 3, LINE_HEIGHT_PX, width), dtype=np.float32)
        padded[..., : line.shape[1]] = _as_input(line)
        likely = _run(self._recognition, padded)[0]
        best = likely.argmax(axis=1)
        sure = likely[np.arange(len(best)), best]
        return self._reading(best, sure)

    def _reading(self, best: NDArray[np.int64], sure: NDArray[np.float32]) -> Reading:
        """Columns to characters (CTC): a character is seen in several columns, and as sure as in the best of them."""
        starts = np.flatnonzero(np.append(True, best[1:] != best[:-1]))
        said = best[starts] != 0
        characters = [self._characters[number] for number in best[starts][said]]
        confidence = float(sure[starts][said].mean()) if characters else 0.0
        return Reading("".join(characters), confidence, _parts(characters, np.maximum.reduceat(sure, starts)[said]))


def _parts(characters: Sequence[str], sure: NDArray[np.float32]) -> tuple[float, ...]:
    pieces = groupby(zip(characters, sure.tolist(), strict=True), key=lambda seen: seen[0].isspace())
    return tuple(_part(list(piece)) for is_space, piece in pieces if not is_space)


def _part(piece: Sequence[tuple[str, float]]) -> float:
    digits = [confidence for character, confidence in piece if character.isdecimal()]
    confidence = min(digits) if digits else sum(confidence for _, confidence in piece) / len(piece)
    return round(min(1.0, max(0.0, confidence)), 4)


def _model(core: openvino.Core, path: Path) -> openvino.Model:
    if not path.is_file():
        raise ConfigurationError(f"{path} is missing; RapidOCR's wheel brings it: install again with `make setup`.")
    return core.read_model(path)


def _compiled(core: openvino.Core, model: openvino.Model, precision: str) -> Any:
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": 1,  # two threads an image double the CPU for nothing; run processes side by side
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # or processes side by side would all sit on the first core
    }
    return core.compile_model(model, "CPU", settings).create_infer_request()


def _run(network: Any, values: NDArray[np.float32]) -> NDArray[np.float32]:
    network.infer([values])
    likely: NDArray[np.float32] = network.get_output_tensor().data
    return likely


def _resized(picture: Pixels, width: int, height: int) -> Pixels:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _as_input(picture: Pixels) -> NDArray[np.float32]:
    """Channels first, -1.0 to 1.0."""
    scaled = picture.astype(np.float32) / 127.5 - 1.0
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])
