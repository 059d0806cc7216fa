"""One way to fold text for comparison and for search: case, accents and full-width forms."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_LETTER_SPELLINGS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "ı": "i"})


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """As `fold_text`, for words and lines, which come again."""
    return fold_text(text)


def fold_text(text: str) -> str:
    """Lower case, no accents, full-width characters narrowed; punctuation and spaces stay."""
    narrow = unicodedata.normalize("NFKD", text.lower().translate(_LETTER_SPELLINGS))
    return "".join(char for char in narrow if not unicodedata.combining(char))


@lru_cache(maxsize=20_000)
def squeeze(text: str) -> str:
    """Fold and keep letters and digits only."""
    return "".join(char for char in fold(text) if char.isalnum())
