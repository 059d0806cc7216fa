"""Which lines of a page the small network reads again after the tiny one: what decides, and what was read unsurely.

The tiny network takes a fifth of the small one's CPU and reads the text of goods and small print as well, but it makes
more of logos than is there, and at times a sure 3 of an 8.
"""

from __future__ import annotations

import re

import numpy as np

from flows.reading.ocr.geometry import Floats, side_lengths
from flows.reading.ocr.recognition import Reading

# Chosen on one half of the real receipts (docs/accuracy.md). With dates left to the tiny network one in 52 was misread
# and accepted; with four lines of the head instead of five, a date was lost.
_HEAD_LINES = 5
_LARGE_PRINT = 1.5  # heights of the page's usual line
_SURE_DIGIT, _SURE_WITH_DIGITS, _SURE_TEXT = 0.9, 0.85, 0.8
_DATE = re.compile(
    r"\d{1,4} ?[.,:/'’-] ?\d{1,2} ?[.,:/'’-] ?\d{2,4}|\d[:h]\d\d|\b(?:19|20)\d\d\b"
    r"|(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|[o0][ck]t|nov|de[cz])\w*[ .,]{0,2}\d",
    re.IGNORECASE,
)
# A decimal point or a space that was not seen leaves no doubtful character behind.
_POINTLESS = re.compile(r"\D{0,3}\d{3,}\D?")
_GLUED = re.compile(r"[a-zß-ÿ]\d+[.,]\d\d(?!\d)")


def decisive_lines(quads: Floats) -> list[int]:
    """Return the numbers of the lines that name the merchant: the page's head and its large print.

    Args:
        quads: where the lines stand on the upright page.
    """
    if not len(quads):
        return []
    heights = side_lengths(quads)[1]
    ranks = quads[..., 1].mean(axis=1).argsort(kind="stable").argsort(kind="stable")
    decisive = (ranks < _HEAD_LINES) | (heights > _LARGE_PRINT * np.median(heights))
    return [int(number) for number in np.flatnonzero(decisive)]


def is_sufficient(draft: Reading) -> bool:
    """Tell whether the tiny network was sure of a line, and nothing in it decides.

    Letters that it does not know are spaces to it, and surely so.
    """
    text = draft.text.strip()
    if (
        not text
        or draft.text.startswith(" ")
        or _POINTLESS.fullmatch(text)
        or _DATE.search(text)
        or _GLUED.search(text)
    ):
        return False
    if draft.least_digit is None:
        return draft.confidence >= _SURE_TEXT
    return draft.least_digit >= _SURE_DIGIT and draft.confidence >= _SURE_WITH_DIGITS
