"""RapidOCR (PP-OCR models on onnxruntime), one thread an image: finds text lines, turns the page, reads the lines.

Order: detect quads → which way does the page lie (quads for 90 degrees and tilt, a few lines read for 180) →
read every line once, cropped from the full-size page. A line is the unit of its words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from importlib.metadata import version as installed
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rapidocr import RapidOCR

from flows.ocr.engine import OcrPage
from flows.ocr.geometry import Floats, Upright, bbox_of
from flows.ocr.lines import LINE_HEIGHT_PX, in_reading_order, joined, line_image, page_turn, turned_quads, widened
from flows.ocr.straighten import Grey, content_box, glyph_height
from flows.vocabulary import Word

_PIPELINE_VERSION = "1"
# Lines read to decide between a direction and its opposite, and the mean confidence that settles it at once.
# Right way up, lines average 0.95 and more; upside down 0.6.
_PROBE_LINES = 6
_SURE_CONFIDENCE = 0.88
_MIN_CONFIDENCE = 0.5
_MIN_SIDE_PX = 480  # of the region in which lines are looked for, however large its print seems

Pixels = NDArray[np.uint8]
Reading = tuple[str, float]


class RapidEngine:
    """RapidOCR with the models of its wheel.

    Args:
        detection_side: longest side in pixels that the page is reduced to for finding lines.
        detection_glyph: height in pixels that larger print is reduced to for finding lines.
    """

    name = "rapidocr"

    def __init__(self, detection_side: int = 960, detection_glyph: float = 16.0) -> None:
        self._side, self._glyph = detection_side, detection_glyph
        cv2.setNumThreads(1)  # two threads an image double the CPU for nothing; run processes side by side
        self._ocr = RapidOCR(params=_params(detection_side))
        self.version = (
            f"rapidocr-{installed('rapidocr')}/onnxruntime-{installed('onnxruntime')}"
            f"/side-{detection_side}/glyph-{detection_glyph:g}/{_PIPELINE_VERSION}"
        )

    def read(self, image: Image.Image) -> OcrPage:
        """Every text line of the page, as words in reading order."""
        pixels = _bgr(image)
        upright, quads, known = self._turn(pixels, self._detect(image, pixels))
        rest = [i for i in range(len(quads)) if i not in known]
        readings = known | dict(zip(rest, self._recognize(pixels, widened(quads)[rest]), strict=True))
        words = [_word(readings[i], upright.map(quads[i]), upright) for i in range(len(quads))]
        kept = [w for w in words if w.text and w.confidence >= _MIN_CONFIDENCE]
        return OcrPage(in_reading_order(kept), upright)

    def upright(self, image: Image.Image) -> Upright:
        """The way to the upright picture, from detection and a few lines."""
        pixels = _bgr(image)
        return self._turn(pixels, self._detect(image, pixels))[0]

    def _detect(self, image: Image.Image, pixels: Pixels) -> Floats:
        grey = np.asarray(image.convert("L"))
        left, top, right, bottom = content_box(grey)
        scale = self._detection_scale(grey[top:bottom, left:right])
        region = cv2.resize(pixels[top:bottom, left:right], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found = self._ocr(region, use_det=True, use_cls=False, use_rec=False)
        boxes = getattr(found, "boxes", None)
        if boxes is None:
            return np.zeros((0, 4, 2))
        quads: Floats = np.asarray(boxes, dtype=np.float64) / scale + np.array([left, top])
        return quads

    def _detection_scale(self, grey: Grey) -> float:
        """The cost of finding lines goes with the pixels; large print needs fewer of them."""
        side, height = max(grey.shape), glyph_height(grey)
        scale: float = min(1.0, self._side / side)
        if not height:
            return scale
        return float(min(scale, max(_MIN_SIDE_PX / side, self._glyph / height)))

    def _turn(self, pixels: Pixels, quads: Floats) -> tuple[Upright, Floats, dict[int, Reading]]:
        """How to turn the page, its lines in the text's direction, and those that were read on the way."""
        size = (pixels.shape[1], pixels.shape[0])
        if not len(quads):
            return Upright.turned(size, 0), quads, {}
        degrees = page_turn(quads)
        level = Upright.turned(size, degrees)
        lines = level.unmap(joined(level.map(turned_quads(quads, degrees))))
        probes = _probes(lines)
        readings = self._recognize(pixels, widened(lines)[probes])
        if _mean_confidence(readings) < _SURE_CONFIDENCE:
            opposite = self._recognize(pixels, turned_quads(widened(lines)[probes], degrees + 180))
            if _mean_confidence(opposite) > _mean_confidence(readings):
                level, readings = Upright.turned(size, degrees + 180), opposite
                lines = turned_quads(lines, degrees + 180)
        return level, lines, dict(zip(probes, readings, strict=True))

    def _recognize(self, pixels: Pixels, quads: Floats) -> list[Reading]:
        if not len(quads):
            return []
        result = self._ocr.recognize_txt([line_image(pixels, quad) for quad in quads])
        return [(_plain(text), float(score)) for text, score in zip(result.txts or (), result.scores, strict=True)]


def _params(detection_side: int) -> dict[str, Any]:
    return {
        "Global.log_level": "error",
        "Global.use_preprocess_img": False,
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        "Det.limit_type": "max",
        "Det.limit_side_len": detection_side,
        "Rec.rec_batch_num": 1,
        "Rec.rec_img_shape": [3, LINE_HEIGHT_PX, 1],  # no further padding: see `line_image`
    }


def _bgr(image: Image.Image) -> Pixels:
    return np.ascontiguousarray(np.asarray(image.convert("RGB"))[:, :, ::-1])


def _probes(quads: Floats) -> list[int]:
    """The lines that tell most about their direction: the longest in relation to their height."""
    widths = np.linalg.norm(quads[:, 1] - quads[:, 0], axis=1)
    heights = np.maximum(1, np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1))
    by_length = np.argsort(-np.minimum(widths / heights, 12), kind="stable")
    return [int(i) for i in by_length[:_PROBE_LINES]]


def _plain(text: str) -> str:
    """The models write brackets, colons and digits of Latin print full-width at times."""
    return unicodedata.normalize("NFKC", text).strip()


def _mean_confidence(readings: Sequence[Reading]) -> float:
    return float(np.mean([score for _, score in readings])) if readings else 0.0


def _word(reading: Reading, quad: Floats, upright: Upright) -> Word:
    text, score = reading
    return Word(text=text, confidence=min(1.0, max(0.0, score)), bbox=bbox_of(quad, upright.width, upright.height))
