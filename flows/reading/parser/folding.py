"""Text folded for comparison, with common OCR confusions."""

from __future__ import annotations

import re
from functools import lru_cache

from flows.domain.folding import fold, squeeze

__all__ = ["as_letters", "fold", "squeeze", "words"]

_DIGITS_AS_LETTERS = str.maketrans(
    {"0": "o", "1": "l", "3": "e", "5": "s", "6": "g", "8": "b", "!": "l", "|": "l", "$": "s", "€": "e"}
)
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


def words(text: str) -> list[str]:
    """Return the folded words of `text`, without punctuation."""
    return _TOKEN.findall(fold(text))


@lru_cache(maxsize=20_000)
def as_letters(word: str) -> str:
    """Read digits in a mostly alphabetic word as the letters that OCR mistakes for them: `t0tal` is `total`."""
    letters = sum(char.isalpha() for char in word)
    return word.translate(_DIGITS_AS_LETTERS) if letters * 2 > len(word) else word
