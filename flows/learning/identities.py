"""What a merchant is known by on a receipt: what OCR reads more surely than a logo, and the same on every receipt.

A tax number, a phone number, a web domain, a street with its postal code, and the printed name as it was read. Each is
folded so far that the ways of printing and misreading it that do not matter fall together.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from flows.domain.fields import ReceiptFields
from flows.domain.folding import fold_text, squeeze

# Of an expense rather than of the paper: the merchant's name as it counts, by which categories are known.
MERCHANT = "merchant"
_FEWEST_TAX_DIGITS = 8
_FEWEST_PHONE_DIGITS, _PHONE_DIGITS = 7, 8  # the last ones: country and area codes are printed or not
_SHORTEST_NAME = 3
_SHORTEST_STREET = 5
_MOST_DOMAINS = 3
_POSTAL_CODE = re.compile(r"(?<![\d\-/])(\d{4,6}|\d{2}-\d{3}|\d{3} \d{2})(?![\d\-/])")
_SAID_TO_BE_ONE = re.compile(r"(?:www[.,]\s?|https?://|@)((?:[a-z0-9\-]+\.)+[a-z]{2,24})\b")
# Without a mark before it only in endings that no abbreviation on a receipt has ("inv.no", "tel.nr" are none).
_BARE = re.compile(
    r"(?<![\w@.\-])([a-z0-9\-]{3,}(?:\.[a-z0-9\-]{2,})*\.(?:com|net|org|shop|store|eu|de|ch|at|fr|it|es|nl|pl|fi|se|dk|uk|my|cl))\b"
)
_SECOND_LEVEL = frozenset({"co", "com", "org", "net", "gov", "edu", "ac", "or", "ne"})
# Anybody's: mail providers, makers of tills and card terminals, payment services.
_ANYBODYS = frozenset(
    {
        *("gmail", "googlemail", "hotmail", "yahoo", "outlook", "live", "icloud", "gmx", "web", "t-online", "bluewin"),
        *("aol", "msn", "protonmail", "facebook", "instagram", "twitter", "sumup", "zettle", "izettle", "square"),
        *("squareup", "paypal", "stripe", "worldline", "six-group", "adyen", "concardis", "ingenico", "surveymonkey"),
    }
)


class Identity(NamedTuple):
    """One mark of a merchant. `kind` is tax_id, domain, phone, address, name, or `MERCHANT`."""

    kind: str
    value: str


def identities_of(fields: ReceiptFields, text: str) -> tuple[Identity, ...]:
    """Every mark of the merchant on a receipt, each once.

    Args:
        fields: What was read.
        text: Every printed word.
    """
    found = [
        *_digits("tax_id", fields.merchant_tax_id, _FEWEST_TAX_DIGITS, None),
        *(Identity("domain", domain) for domain in _domains(text)),
        *_digits("phone", fields.merchant_phone, _FEWEST_PHONE_DIGITS, _PHONE_DIGITS),
        *_address(fields.merchant_address.value if fields.merchant_address else ""),
        *_name(fields.merchant.value if fields.merchant else ""),
    ]
    return tuple(dict.fromkeys(found))


def _digits(kind: str, found: object, fewest: int, last: int | None) -> list[Identity]:
    value = getattr(found, "value", "")
    digits = re.sub(r"\D", "", value)
    return [Identity(kind, digits[-last:] if last else digits)] if len(digits) >= fewest else []


def _domains(text: str) -> list[str]:
    folded = fold_text(text)
    hosts = [*_SAID_TO_BE_ONE.findall(folded), *_BARE.findall(folded)]
    domains = dict.fromkeys(filter(None, map(_registered, hosts)))
    return list(domains)[:_MOST_DOMAINS]


def _registered(host: str) -> str | None:
    """The part of a host name that somebody registered; None where it is anybody's."""
    labels = host.strip(".").split(".")
    if labels[0] == "www":
        labels = labels[1:]
    parts = 3 if len(labels) > 2 and labels[-2] in _SECOND_LEVEL else 2
    labels = labels[-parts:]
    return None if len(labels) < 2 or labels[0] in _ANYBODYS else ".".join(labels)


def _address(address: str) -> list[Identity]:
    """The postal code with the piece that holds a house number."""
    code = _POSTAL_CODE.search(address)
    if code is None:
        return []
    pieces = [piece for piece in re.split(r"[,/\n]", address) if not _POSTAL_CODE.search(piece)]
    street = next((squeeze(piece) for piece in pieces if re.search(r"\d", piece) and re.search(r"[^\W\d]", piece)), "")
    return [Identity("address", f"{squeeze(code[0])} {street}")] if len(street) >= _SHORTEST_STREET else []


def _name(name: str) -> list[Identity]:
    folded = squeeze(name)
    return [Identity("name", folded)] if len(folded) >= _SHORTEST_NAME else []
