"""Currency symbols and codes as they stand beside amounts. A symbol of several currencies maps to a bare symbol."""

from __future__ import annotations

import re
from functools import lru_cache

from babel.numbers import list_currencies

SHARED = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "TWD", "ARS", "CLP", "COP", "UYU"),
    "¥": ("JPY", "CNY"),
    "元": ("CNY", "TWD", "HKD"),
    "KR": ("SEK", "NOK", "DKK", "ISK"),
    # Written like words and units of other languages: they count in their own country only.
    "FT": ("HUF",),
    "KC": ("CZK",),
    "ZL": ("PLN",),
    "TL": ("TRY",),
    "LEI": ("RON",),
    "РУБ": ("RUB", "BYN"),
}
_SYMBOLS = {
    "€": "EUR", "EURO": "EUR", "£": "GBP", "RM": "MYR", "RP": "IDR", "CHF": "CHF", "SFR": "CHF", "FR.": "CHF",
    "₹": "INR", "RS.": "INR", "RS": "INR", "INR": "INR", "₩": "KRW", "₫": "VND", "Đ": "VND",
    "฿": "THB", "₱": "PHP", "₺": "TRY",
    "₽": "RUB",
    "ZŁ": "PLN", "ZL": "ZL", "KČ": "CZK", "KC": "KC", "FT": "FT", "LEI": "LEI", "РУБ": "РУБ", "РУБ.": "РУБ",
    "ГРН": "UAH", "ЛВ": "BGN", "ЛВ.": "BGN", "BYN": "BYN", "TL": "TL", "원": "KRW", "บาท": "THB",
    "৳": "BDT", "₦": "NGN", "₡": "CRC", "S/": "PEN",
    "R$": "BRL", "S$": "SGD", "A$": "AUD", "AU$": "AUD",
    "C$": "CAD", "CA$": "CAD", "NZ$": "NZD", "HK$": "HKD", "NT$": "TWD", "US$": "USD", "MX$": "MXN",
    "$": "$", "¥": "¥", "￥": "¥", "円": "JPY", "元": "元", "KR": "KR", "₪": "ILS", "₴": "UAH",
}  # fmt: skip
_CODES = (
    "EUR USD GBP CHF MYR SGD IDR INR JPY CNY KRW THB VND PHP AUD CAD NZD HKD TWD SEK NOK DKK ISK PLN CZK HUF RON "
    "BGN TRY BRL MXN ARS CLP COP PEN ZAR AED SAR QAR KWD ILS EGP NGN KES UAH RUB RSD BYN UYU OMR JOD TND"
)
MARKS: dict[str, str] = {code: code for code in _CODES.split() if code in list_currencies()} | _SYMBOLS


@lru_cache(maxsize=1)
def mark_pattern() -> str:
    """Return a pattern of all marks, longest first, to be compiled with IGNORECASE; lettered marks stand alone."""
    return "|".join(_alone(mark) for mark in sorted(MARKS, key=len, reverse=True))


def _alone(mark: str) -> str:
    before = r"(?<![^\W\d_])" if mark[0].isalpha() else ""
    after = r"(?![^\W\d_])" if mark[-1].isalpha() else ""
    return before + re.escape(mark) + after
