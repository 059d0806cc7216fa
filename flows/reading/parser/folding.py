"""One way to fold text for comparison: case, accents, full-width forms and common OCR confusions."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_DIGITS_AS_LETTERS = str.maketrans(
    {"0": "o", "1": "l", "3": "e", "5": "s", "6": "g", "8": "b", "!": "l", "|": "l", "$": "s", "€": "e"}
)
_LETTER_SPELLINGS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "ı": "i"})
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """Lower case, no accents, full-width characters narrowed; punctuation and spaces stay."""
    narrow = unicodedata.normalize("NFKD", text.lower().translate(_LETTER_SPELLINGS))
    return "".join(char for char in narrow if not unicodedata.combining(char))


@lru_cache(maxsize=20_000)
def squeeze(text: str) -> str:
    """Fold and keep letters and digits only."""
    return "".join(char for char in fold(text) if char.isalnum())


def words(text: str) -> list[str]:
    """Return the folded words of `text`, without punctuation."""
    return _TOKEN.findall(fold(text))


@lru_cache(maxsize=20_000)
def as_letters(word: str) -> str:
    """Read digits in a mostly alphabetic word as the letters that OCR mistakes for them: `t0tal` is `total`."""
    letters = sum(char.isalpha() for char in word)
    return word.translate(_DIGITS_AS_LETTERS) if letters * 2 > len(word) else word
