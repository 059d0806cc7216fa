"""Text folded for comparison, with common OCR confusions."""

from __future__ import annotations

import re
from functools import lru_cache

from flows.domain.folding import fold, squeeze

__all__ = ["VOWEL_SIGNS", "as_letters", "fold", "squeeze", "words"]

_DIGITS_AS_LETTERS = str.maketrans(
    {"0": "o", "1": "l", "3": "e", "5": "s", "6": "g", "8": "b", "!": "l", "|": "l", "$": "s", "€": "e"}
)
# Vowels above and below Thai and Indian letters are marks, which are no letters to regular expressions.
VOWEL_SIGNS = "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0900-\u0903\u093a-\u094f\u0981-\u0983\u09bc-\u09cd\u0b82\u0bbe-\u0bcd"
_TOKEN = re.compile(rf"[^\W_](?:[^\W_]|[{VOWEL_SIGNS}])*(?:['’][^\W_]+)?")


def words(text: str) -> list[str]:
    """Return the folded words of `text`, without punctuation."""
    return _TOKEN.findall(fold(text))


@lru_cache(maxsize=20_000)
def as_letters(word: str) -> str:
    """Read digits in a mostly alphabetic word as the letters that OCR mistakes for them: `t0tal` is `total`."""
    letters = sum(char.isalpha() for char in word)
    return word.translate(_DIGITS_AS_LETTERS) if letters * 2 > len(word) else word
