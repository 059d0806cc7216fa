"""What a caller may know about a receipt beforehand. Hints break ties; what is printed outweighs them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hints:
    """`country` is ISO 3166 alpha-2, `currency` ISO 4217: those of the owner's books, not of the receipt itself."""

    country: str | None = None
    currency: str | None = None
