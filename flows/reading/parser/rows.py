"""Words with boxes → rows of text in reading order, whatever their tilt.

Engines give single words (Tesseract) or whole text lines (RapidOCR); both become rows of tokens here. The tilt of the
page is found by trying slopes and keeping the one that gathers the words' centres into the fewest, fullest rows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median

from flows.domain.fields import BBox, Page, Word

MAX_WORDS_PER_PAGE = 1500  # a dense supermarket receipt has about 600; more is noise that only costs time
_SLOPES = tuple(
    step / 200 for step in range(-24, 25)
)  # rise per run; +-0.12 is +-7 degrees, beyond is rotated upstream
_TILT_DOUBT = 1.5  # columns line up again one row off at some steeper slope: prefer the gentler one
_ROW_TOLERANCE_HEIGHTS = 0.55  # distance of a word's centre from its row's, in glyph heights
_WIDE_GAP_HEIGHTS = 1.6  # a wider gap separates columns


@dataclass(frozen=True)
class Token:
    """A piece of a row without white space, with its place in the row's text."""

    text: str
    start: int
    bbox: BBox
    confidence: float

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True)
class Row:
    """One printed line. `text` joins its tokens by one space, or by two where a column ends."""

    page: int
    number: int
    tokens: tuple[Token, ...]
    height: float
    page_width: float = field(default=0.0)

    @cached_property
    def text(self) -> str:
        chars = [" "] * (self.tokens[-1].end if self.tokens else 0)
        for token in self.tokens:
            chars[token.start : token.end] = token.text
        return "".join(chars)

    @cached_property
    def bbox(self) -> BBox:
        return enclosing(tuple(token.bbox for token in self.tokens))

    @cached_property
    def confidence(self) -> float:
        letters = sum(len(token.text) for token in self.tokens)
        return sum(token.confidence * len(token.text) for token in self.tokens) / max(letters, 1)

    def box_of(self, start: int, end: int) -> BBox:
        """Return the box around the tokens that touch characters `start` to `end` of the row's text."""
        touched = tuple(token.bbox for token in self.tokens if token.start < end and token.end > start)
        return enclosing(touched) if touched else self.bbox

    def confidence_of(self, start: int, end: int) -> float:
        """Return the lowest OCR confidence among the tokens that touch characters `start` to `end`."""
        touched = [token.confidence for token in self.tokens if token.start < end and token.end > start]
        return min(touched, default=self.confidence)


def enclosing(boxes: tuple[BBox, ...]) -> BBox:
    """Return the smallest box around all `boxes`, which must not be empty."""
    return BBox(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )


@dataclass(frozen=True)
class _Placed:
    """A word with its level: the height of its centre above the tilted baseline grid."""

    word: Word
    level: float
    height: float


def rows_of(page: Page) -> tuple[Row, ...]:
    """Gather a page's words into rows, top to bottom, each left to right."""
    words = [word for word in page.words if word.text.strip()][:MAX_WORDS_PER_PAGE]
    if not words:
        return ()
    slope = _tilt(words)
    placed = sorted((_place(word, slope) for word in words), key=lambda each: each.level)
    groups = _gather(placed)
    return tuple(_row(page, number, group) for number, group in enumerate(groups))


def _place(word: Word, slope: float) -> _Placed:
    box = word.bbox
    level = (box.top + box.bottom) / 2 - slope * (box.left + box.right) / 2
    height = (box.bottom - box.top) - abs(slope) * (box.right - box.left)
    return _Placed(word, level, max(height, (box.bottom - box.top) * 0.4, 1.0))


def _tilt(words: list[Word]) -> float:
    """Return the slope under which the words' centres fall into the fewest rows; 0 unless another is clearly better."""
    step = max(median(word.bbox.bottom - word.bbox.top for word in words) * 0.35, 1.0)
    centres = [
        ((word.bbox.left + word.bbox.right) / 2, (word.bbox.top + word.bbox.bottom) / 2, min(len(word.text), 12))
        for word in words
    ]

    def sharpness(slope: float) -> float:
        bins: Counter[int] = Counter()
        for x, y, weight in centres:
            level = (y - slope * x) / step
            bins[int(level // 1)] += weight
            bins[int((level + 0.5) // 1) + 10_000_000] += weight
        return sum(count * count for count in bins.values()) * (1 - _TILT_DOUBT * abs(slope))

    level_score = sharpness(0.0)
    best = max(_SLOPES, key=lambda slope: (sharpness(slope), -abs(slope)))
    return best if sharpness(best) > 1.08 * level_score else 0.0


def _gather(placed: list[_Placed]) -> list[list[_Placed]]:
    groups: list[list[_Placed]] = []
    for each in placed:
        group = next((group for group in reversed(groups[-4:]) if _belongs(each, group)), None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    groups.sort(key=lambda group: median(each.level for each in group))
    return groups


def _belongs(each: _Placed, group: list[_Placed]) -> bool:
    middle = sum(other.level for other in group) / len(group)
    height = min(each.height, median(other.height for other in group))
    if abs(each.level - middle) > _ROW_TOLERANCE_HEIGHTS * height:
        return False
    return not any(_overlaps(each.word.bbox, other.word.bbox) for other in group)


def _overlaps(one: BBox, other: BBox) -> bool:
    shared = min(one.right, other.right) - max(one.left, other.left)
    return shared > 0.35 * min(one.right - one.left, other.right - other.left)


def _row(page: Page, number: int, group: list[_Placed]) -> Row:
    height = median(each.height for each in group)
    tokens: list[Token] = []
    right = None
    for each in sorted(group, key=lambda each: each.word.bbox.left):
        start = 0
        if tokens and right is not None:
            start = tokens[-1].end + (2 if each.word.bbox.left - right > _WIDE_GAP_HEIGHTS * height else 1)
        tokens.extend(_split(each.word, start))
        right = each.word.bbox.right
    return Row(page.number, number, tuple(tokens), height, float(page.width))


def _split(word: Word, start: int) -> list[Token]:
    """Cut a text line into tokens; their boxes are interpolated by character."""
    text = word.text.strip()
    per_char = (word.bbox.right - word.bbox.left) / len(text)
    tokens: list[Token] = []
    position = 0
    pieces = text.split()
    parts = word.parts if len(word.parts) == len(pieces) else (word.confidence,) * len(pieces)
    for piece, confidence in zip(pieces, parts, strict=True):
        position = text.index(piece, position)
        left = word.bbox.left + position * per_char
        box = BBox(left, word.bbox.top, left + len(piece) * per_char, word.bbox.bottom)
        offset = start if not tokens else tokens[-1].end + 1
        tokens.append(Token(piece, offset, box, confidence))
        position += len(piece)
    return tokens
