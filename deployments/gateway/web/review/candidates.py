"""What a field may also be by the owner's books, behind what the picture says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from flows.learning import are_variants
from flows.ledger.decisions import FieldView
from flows.ledger.expenses import Usual

MOST = 9  # one figure on the keyboard each
_MOST_CURRENCIES = 6
_OWN = 1.5  # so much likelier is a currency that the owner's books have, where the receipt names none
_MOST_COMPARED = 100  # of the owner's names with those that were read


def with_usual(fields: Sequence[FieldView], usual: Usual) -> list[FieldView]:
    """The fields; the currency may also be the owner's usual ones, the merchant one of the owner's with a like name."""
    return [_with_usual(field, usual) for field in fields]


def _with_usual(field: FieldView, usual: Usual) -> FieldView:
    if field.name == "currency":
        return _longer(_own_first(field, usual.currencies), usual.currencies, _MOST_CURRENCIES)
    if field.name == "merchant":
        read = [str(one["value"]) for one in field.candidates]
        like = [name for name in usual.merchants[:_MOST_COMPARED] if any(are_variants(name, each) for each in read)]
        return _longer(field, like, MOST)
    return field


def _own_first(field: FieldView, usual: Sequence[str]) -> FieldView:
    """The field; where nothing was chosen, what may be read as well as the owner's own currency comes behind that."""
    if field.value is not None:
        return field
    ranked = sorted(field.candidates, key=lambda one: -one["confidence"] * (_OWN if one["value"] in usual else 1.0))
    return replace(field, candidates=tuple(ranked))


def _longer(field: FieldView, values: Iterable[str], most: int) -> FieldView:
    read = field.candidates or (({"value": field.value, "evidence": field.evidence},) if field.value else ())
    there = {one["value"] for one in read}
    more = tuple({"value": value, "own": True} for value in values if value not in there)
    return replace(field, candidates=(read + more)[:most]) if more else field
