"""RapidOCR's PP-OCR networks, one thread an image: finds text lines, turns the page, reads the lines.

Order: detect quads → which way does the page lie (quads for 90 degrees and tilt, a few lines read for 180) →
read every line, cropped from the full-size page, by the tiny network → read those again by the small one that decide
or are unsure. A line is the unit of its words.
"""

from __future__ import annotations

import unicodedata
import weakref
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from flows.domain.fields import BBox, Word
from flows.reading.ocr.cascade import decisive_lines, is_sufficient
from flows.reading.ocr.engine import OcrPage
from flows.reading.ocr.geometry import Floats, Upright, bbox_of, cut_out, moved
from flows.reading.ocr.lines import (
    in_reading_order,
    joined,
    line_image,
    page_turn,
    side_by_side,
    turned_quads,
    upside_down,
    widened,
)
from flows.reading.ocr.networks import Networks
from flows.reading.ocr.pixels import Pixels, bgr
from flows.reading.ocr.recognition import Reading
from flows.reading.ocr.straighten import content_box
from flows.reading.ocr.tiles import Tile, tiles_of

_PIPELINE_VERSION = "6"
# Lines read to decide between a direction and its opposite, and the mean confidence that settles it at once.
# Right way up, lines average 0.95 and more; upside down 0.6.
_PROBE_LINES = 6
_SURE_CONFIDENCE = 0.88
_MIN_CONFIDENCE = 0.5
_PART_EDGE_PX = 24
# Lines read with less, and shares of a page's lines, from which a page may be in a script that the model does not know.
# Of eight receipts in Cyrillic, Hebrew, Arabic, Hangul and Thai at least 0.19 were unsure; of Latin ones, faded and
# crumpled ones too, at most 0.03.
_SURE_LINE, _UNSURE_SHARE, _LOST_SHARE, _MIN_UNREAD = 0.8, 0.15, 0.1, 3

# How to turn a page, its lines in the text's direction, and those that were read on the way.
_Found = tuple[Upright, Floats, dict[int, Reading]]


class RapidEngine:
    """The PP-OCR networks in a cascade.

    Args:
        detection_side: longest side in pixels that the page's content is reduced to for finding lines.
        networks: those to use instead of loading them.
    """

    name = "rapidocr"

    def __init__(self, detection_side: int = 960, networks: Networks | None = None) -> None:
        self._side = detection_side
        cv2.setNumThreads(1)
        self._networks = networks or Networks()
        self._found: tuple[weakref.ref[Image.Image], _Found] | None = None
        self.version = f"{self._networks.version}/side-{detection_side}/{_PIPELINE_VERSION}"

    def read(self, image: Image.Image) -> OcrPage:
        """Every text line of the page, as words in reading order."""
        pixels = bgr(image)
        found = self._turn(pixels, self._detect(pixels))
        self._found = weakref.ref(image), found
        return self._read(pixels, *found)

    def read_upside_down(self, image: Image.Image) -> OcrPage:
        """As `read`, with the page turned by 180 degrees from what that took for upright."""
        upright, quads, _ = self._found_in(image)
        turned = Upright.turned((upright.width, upright.height), 180).after(upright)
        return self._read(bgr(image), turned, upside_down(quads), {})

    def _read(self, pixels: Pixels, upright: Upright, quads: Floats, known: dict[int, Reading]) -> OcrPage:
        readings = self._read_lines(pixels, quads, decisive_lines(upright.map(quads)), known)
        words = [
            _word(reading, upright.map(quads[i]), upright)
            for i, reading in enumerate(readings)
            if reading.confidence >= _MIN_CONFIDENCE and _plain(reading.text)
        ]
        return OcrPage(in_reading_order(words), upright, _unread(readings))

    def find_lines(self, image: Image.Image) -> Floats:
        """The lines that `read` reads, as quads on the page in the text's direction, the longest first."""
        quads = self._found_in(image)[1]
        widths = np.linalg.norm(quads[:, 1] - quads[:, 0], axis=1)
        longest_first: Floats = quads[np.argsort(-widths, kind="stable")]
        return longest_first

    def upright(self, image: Image.Image) -> Upright:
        """The way to the upright picture, from detection and a few lines."""
        return self._found_in(image)[0]

    def _found_in(self, image: Image.Image) -> _Found:
        """What `_turn` finds on a page; of the page that was read last, what was found then."""
        if self._found is not None and self._found[0]() is image:
            return self._found[1]
        pixels = bgr(image)
        return self._turn(pixels, self._detect(pixels))

    def read_part(self, page: Image.Image, box: BBox) -> tuple[Word, ...]:
        """What stands in a box of an upright page."""
        part, (x, y) = cut_out(page, box)
        pixels = bgr(part)
        level = Upright.turned(part.size, 0)
        for quads in (self._lines_in(pixels), _whole(part.size)):
            words = [
                moved(_word(reading, quad, level), x, y)
                for quad, reading in zip(quads, self._recognize(pixels, quads), strict=True)
                if reading.confidence >= _MIN_CONFIDENCE and _plain(reading.text)
            ]
            if words:
                return in_reading_order(words)
        return ()

    def read_pieces(self, page: Image.Image, boxes: Sequence[BBox], *, quickly: bool = False) -> str:
        """What some boxes of an upright page say, each a piece of one line, as if they stood beside each other."""
        pieces = [bgr(cut_out(page, box)[0]) for box in boxes]
        read = self._networks.draft_lines if quickly else self._networks.read_lines
        return _plain(read([side_by_side(pieces)])[0].text) if pieces else ""

    def _lines_in(self, pixels: Pixels) -> Floats:
        """The level lines of a picture that is cut out closely: they are looked for with some paper around it."""
        edge = _PART_EDGE_PX
        framed = cv2.copyMakeBorder(pixels, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
        quads = self._networks.find_lines(np.asarray(framed, dtype=np.uint8), self._side) - edge
        return widened(joined(turned_quads(quads, 0))) if len(quads) else quads

    def _detect(self, pixels: Pixels) -> Floats:
        left, top, right, bottom = content_box(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8))
        content = pixels[top:bottom, left:right]
        found = [self._detect_in(content, tile) for tile in tiles_of(content.shape[0], content.shape[1])]
        quads: Floats = np.concatenate(found) + np.array([left, top])
        return quads

    def _detect_in(self, content: Pixels, tile: Tile) -> Floats:
        """The lines whose middle lies in the tile's core: of a line that a tile cuts, its neighbour has the whole."""
        part = content[tile.rows, tile.columns]
        quads = self._networks.find_lines(part, self._side) + np.array([tile.columns.start, tile.rows.start])
        kept: Floats = quads[tile.has(quads.mean(axis=1))]
        return kept

    def _turn(self, pixels: Pixels, quads: Floats) -> _Found:
        """How to turn the page, its lines in the text's direction, and those that were read on the way."""
        size = (pixels.shape[1], pixels.shape[0])
        if not len(quads):
            return Upright.turned(size, 0), quads, {}
        degrees = page_turn(quads)
        level = Upright.turned(size, degrees)
        lines = level.unmap(joined(level.map(turned_quads(quads, degrees))))
        probes = _probes(lines)
        readings = self._draft(pixels, widened(lines)[probes])
        if _mean_confidence(readings) < _SURE_CONFIDENCE:
            opposite = self._draft(pixels, turned_quads(widened(lines)[probes], degrees + 180))
            if _mean_confidence(opposite) > _mean_confidence(readings):
                level, readings = Upright.turned(size, degrees + 180), opposite
                lines = turned_quads(lines, degrees + 180)
        return level, lines, dict(zip(probes, readings, strict=True))

    def _read_lines(
        self, pixels: Pixels, quads: Floats, decisive: Sequence[int], drafts: dict[int, Reading]
    ) -> list[Reading]:
        """What each line says: by the small network where it decides or the tiny one's draft does not do."""
        lines = widened(quads)
        rest = sorted(set(range(len(quads))) - set(decisive) - drafts.keys())
        drafts = drafts | dict(zip(rest, self._draft(pixels, lines[rest]), strict=True))
        again = sorted({*decisive, *(number for number, draft in drafts.items() if not is_sufficient(draft))})
        readings = drafts | dict(zip(again, self._recognize(pixels, lines[again]), strict=True))
        return [readings[number] for number in range(len(quads))]

    def _draft(self, pixels: Pixels, quads: Floats) -> list[Reading]:
        return self._networks.draft_lines([line_image(pixels, quad) for quad in quads])

    def _recognize(self, pixels: Pixels, quads: Floats) -> list[Reading]:
        return self._networks.read_lines([line_image(pixels, quad) for quad in quads])


def _whole(size: tuple[int, int]) -> Floats:
    width, height = size
    return np.array([[[0, 0], [width, 0], [width, height], [0, height]]], dtype=np.float64)


def _unread(readings: Sequence[Reading]) -> int:
    """Count the lines that were not read, where they are too many for blur alone."""
    unsure = sum(
        reading.confidence < _SURE_LINE or not _plain(reading.text) or reading.text.startswith(" ")
        for reading in readings
    )  # letters that the model has never seen are spaces to it, and surely so
    lost = sum(reading.confidence < _MIN_CONFIDENCE or not _plain(reading.text) for reading in readings)
    many = unsure >= _UNSURE_SHARE * len(readings) or lost >= _LOST_SHARE * len(readings)
    return unsure if many and unsure >= _MIN_UNREAD else 0


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
    return float(np.mean([reading.confidence for reading in readings])) if readings else 0.0


def _word(reading: Reading, quad: Floats, upright: Upright) -> Word:
    text = _plain(reading.text)
    return Word(
        text=text,
        confidence=min(1.0, max(0.0, reading.confidence)),
        bbox=bbox_of(quad, upright.width, upright.height),
        parts=reading.parts if len(reading.parts) == len(text.split()) else (),
    )
