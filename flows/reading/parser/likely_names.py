"""Names that a person may choose where the merchant was not read surely: brands like the page's words, stacked words.

They are candidates alone: none of them is chosen, nor makes another name more or less sure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from flows.domain.fields import Found
from flows.reading.brands import Brand, like_brands
from flows.reading.parser import names
from flows.reading.parser.lines import Line
from flows.reading.parser.rows import enclosing

_MOST_WORDS = 3
_MOST_BRANDS = 2
_MOST_LINES = 40  # of the head and what follows it; logos stand there
_MIN_STACKED, _MOST_STACKED = 3, 5
_GLUED_NUMBER = re.compile(r"\d{5,}\S*$")


def likely_names(
    lines: Sequence[Line], country: str | None, currency: str | None, *, doubtful: bool
) -> list[Found[str]]:
    """Return the words of a logo that stand one below another, and for a doubtful name brands that it may be."""
    return [*(_brands(lines, country, currency) if doubtful else ()), *_stacked(lines)]


def _brands(lines: Sequence[Line], country: str | None, currency: str | None) -> list[Found[str]]:
    found: dict[str, tuple[float, Brand, Line, str]] = {}
    for line in lines[:_MOST_LINES]:
        for text in () if line.money else _parts(line.raw):
            for score, brand in like_brands(text, country, currency):
                if brand.name not in found or score > found[brand.name][0]:
                    found[brand.name] = (score, brand, line, text)
    ranked = sorted(found.values(), key=lambda each: (-each[0], not each[1].everyday, each[2].index))
    return [
        Found(
            value=brand.name,
            confidence=0.0,
            page=line.row.page,
            bbox=line.row.bbox,
            evidence=f"brand list, like {text}",
        )
        for _, brand, line, text in ranked[:_MOST_BRANDS]
    ]


def _parts(text: str) -> Iterator[str]:
    """The runs of one to three words that are at least half of a line: a word among others is no logo."""
    words = text.split()
    for count in range(1, _MOST_WORDS + 1):
        for start in range(len(words) - count + 1):
            part = " ".join(words[start : start + count])
            if 2 * _letters(part) >= _letters(text):
                yield part


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def _stacked(lines: Sequence[Line]) -> Iterator[Found[str]]:
    """The first lines of one word each that follow one another, as one name; a number glued to the last is left out."""
    stack: list[Line] = []
    for line in lines[:_MOST_LINES]:
        if _is_one_word(line) and len(stack) < _MOST_STACKED:
            stack.append(line)
        elif len(stack) >= _MIN_STACKED:
            break
        else:
            stack = []
    if len(stack) < _MIN_STACKED or len({line.row.page for line in stack}) > 1:
        return
    words = [_GLUED_NUMBER.sub("", line.raw).strip() for line in stack]
    box = enclosing(tuple(line.row.bbox for line in stack))
    evidence = " / ".join(line.raw for line in stack)
    yield Found(value=" ".join(words), confidence=0.0, page=stack[0].row.page, bbox=box, evidence=evidence)


def _is_one_word(line: Line) -> bool:
    word = _GLUED_NUMBER.sub("", line.raw).strip()
    return (
        not (line.money or line.dates or line.times)
        and len(line.raw.split()) == 1
        and word.isalpha()
        and len(word) >= _MIN_STACKED
        and not names.looks_like_paper(word)
    )
