"""Text from receipts as books can hold it: one line, without what controls a terminal or turns the writing around."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache

from babel.numbers import get_currency_precision

# Line breaks and control characters, and the marks that override the direction of writing (U+202A-E, U+2066-9).
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_SPACES = re.compile(r"\s+")
_NOT_IN_NAMES = re.compile(r"[^\w]+", re.UNICODE)
_NOT_ASCII = re.compile(r"[^a-z0-9]+")
_SLUG_CHARACTERS = 40


@lru_cache(maxsize=65536)
def one_line(text: str | None) -> str:
    """The text in one line, each run of spaces one space."""
    return _SPACES.sub(" ", _CONTROL.sub(" ", text or "")).strip()


def cut(text: str, characters: int) -> str:
    """At most so many characters, none of them half: combining marks and joined emoji stay with what they belong to."""
    if len(text) <= characters:
        return text
    end = characters
    while end > 0 and (unicodedata.combining(text[end]) or text[end] in "\u200d\ufe0f" or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end].rstrip()


@lru_cache(maxsize=4096)
def slug(text: str | None) -> str:
    """Lower-case ASCII letters, digits and dashes, for the names of files."""
    plain = unicodedata.normalize("NFKD", (text or "").casefold()).encode("ascii", "ignore").decode()
    return _NOT_ASCII.sub("-", plain).strip("-")[:_SLUG_CHARACTERS].strip("-")


@lru_cache(maxsize=4096)
def account_part(text: str) -> str:
    """One part of an account's name as Beancount, the strictest, takes it: letters, digits and dashes, a capital first.

    Scripts without capitals get an "X" in front.
    """
    name = _NOT_IN_NAMES.sub("-", text.replace("_", "-")).strip("-") or "Other"
    first = name[0].upper()
    name = f"{first if len(first) == 1 else first[0]}{name[1:]}"
    return name if name[0].isdigit() or name[0].isupper() else f"X{name}"


@lru_cache(maxsize=512)
def currency_digits(currency: str) -> int:
    """How many decimal places amounts of a currency have: 2 for EUR, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


def money(amount: Decimal, currency: str) -> str:
    """An amount with the currency's decimal places, or with more where it has more; never with an exponent."""
    digits = max(currency_digits(currency), decimal_places(amount))
    return f"{amount:.{digits}f}"


def decimal_places(amount: Decimal) -> int:
    """Decimal places without trailing zeros."""
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= 0:
        return 0
    exponent = amount.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0
