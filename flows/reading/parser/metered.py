"""What was metered, times its price: the litres of a pump, the kilowatt-hours of a charger."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import product
from typing import NamedTuple

from flows.reading.parser.folding import fold
from flows.reading.parser.lines import Line

_NUMBER = r"\d{1,3}(?:[.,]\d{3})*[.,]\d{1,4}|\d{1,6}[.,]\d{1,4}"
_UNIT = r"(?:l|lt|ltr|lts|lit|litre|litres|liter|litros?|litri|gal|gallons?|kwh|nm3|m3)"
_QUANTITY = re.compile(
    rf"({_NUMBER}) ?{_UNIT}\b(?! ?/)"
    rf"|\b(?:volume|volumen|menge|litres?|liters?|litros|litri|gallons?|kwh|qty|quantity)\b[^\d\n]{{0,14}}({_NUMBER})"
)
_PRICE = re.compile(
    rf"(?:/ ?{_UNIT}\b|\b(?:rate|preis|price|precio|prix|prezzo|ppu|ppg|unit)\b|\bx ?\$?|@)[^\d\n]{{0,14}}({_NUMBER})"
    rf"|({_NUMBER})[^\d\n]{{0,8}}/ ?{_UNIT}\b"
)
_MOST = 12  # numbers of either kind


class _Printed(NamedTuple):
    value: Decimal
    half: Decimal  # of its last place: it may have been rounded by so much


class Metered(NamedTuple):
    """A product and by how much its rounded factors, and its own rounding to cents, may shift it."""

    value: Decimal
    give: Decimal
    said: str

    def is_of(self, amount: Decimal) -> bool:
        """Tell whether an amount may be this product."""
        return abs(self.value - amount) <= self.give


def metered_sums(lines: Sequence[Line]) -> list[Metered]:
    """Return the products of every metered quantity with every price of a unit that is printed."""
    text = "\n".join(fold(line.raw) for line in lines)
    quantities, prices = list(_numbers(_QUANTITY, text))[:_MOST], list(_numbers(_PRICE, text))[:_MOST]
    return [
        Metered(
            quantity.value * price.value,
            quantity.value * price.half + price.value * quantity.half + Decimal("0.005"),
            f"{quantity.value} at {price.value}",
        )
        for quantity, price in product(quantities, prices)
        if quantity.value and price.value
    ]


def _numbers(pattern: re.Pattern[str], text: str) -> Iterator[_Printed]:
    """Give the numbers with their last mark taken for the decimal one, whatever it is elsewhere on the receipt."""
    for match in pattern.finditer(text):
        printed = match[1] or match[2]
        whole, _, rest = printed.replace(",", ".").rpartition(".")
        value = Decimal(f"{whole.replace('.', '')}.{rest}")
        yield _Printed(value, Decimal(5).scaleb(-len(rest) - 1))
