"""What rules change of a reading: the merchant's name, its category, and whether a person has to look for the name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flows.domain.fields import Choice, Found, ReceiptFields
from flows.learning.likeness import are_variants

# The surest first: numbers that the law demands before what chains, malls and misreadings share.
KIND_ORDER = ("tax_id", "domain", "phone", "address", "name", "merchant")
# A name that a person gave to what is printed here: not quite a person's word for this receipt.
_NAMED = 0.99
_CATEGORY_CONFIDENCE = 0.9
_NAME_CHECK = "merchant_name"  # flows.reading.parser.decide marks a likely name by it
_ABOUT_NAME = "merchant:"  # and begins its reasons with the field


@dataclass(frozen=True, slots=True)
class KnownRule:
    """A rule that fits a receipt: what it chooses, by which kind of mark, and the sentence that says why."""

    id: int
    identity_kind: str
    result: str
    why: str


def with_choices(
    fields: ReceiptFields, naming: Sequence[KnownRule], categorising: Sequence[KnownRule] = ()
) -> ReceiptFields:
    """The reading with what the surest rule of each kind chooses.

    A receipt that was to be looked at for its name alone is accepted.

    Args:
        fields: What was read.
        naming: Rules for the merchant's name that fit.
        categorising: Rules for the category that fit.
    """
    if naming:
        fields = _named(fields, _best_name(naming))
    if categorising:
        rule = min(categorising, key=_rank)
        category = Found[str](value=rule.result, confidence=_CATEGORY_CONFIDENCE)
        fields = _chosen(fields, "category", category, None, rule)
    return fields


def _best_name(naming: Sequence[KnownRule]) -> KnownRule:
    """That of the surest mark; what was said of exactly this printed name where both are spellings of one."""
    surest = min(naming, key=_rank)
    of_print = next((rule for rule in naming if rule.identity_kind == "name"), surest)
    return of_print if are_variants(of_print.result, surest.result) else surest


def _named(fields: ReceiptFields, rule: KnownRule) -> ReceiptFields:
    read = fields.merchant
    named = Found[str](value=rule.result, confidence=_NAMED)
    if read is not None:
        named = read.model_copy(update={"value": rule.result, "confidence": _NAMED})
    checks = tuple(check for check in fields.checks if check.name != _NAME_CHECK)
    others = tuple(reason for reason in fields.reasons if not reason.startswith(_ABOUT_NAME))
    is_settled = bool(fields.reasons) and not others
    changes = {"checks": checks, "reasons": others} | ({"decision": "accept"} if is_settled else {})
    fields = fields.model_copy(update=changes)
    return _chosen(fields, "merchant", named, read.value if read else None, rule)


def _chosen(
    fields: ReceiptFields, field: str, found: Found[str], machine: str | None, rule: KnownRule
) -> ReceiptFields:
    choice = Choice(field=field, value=rule.result, machine=machine, rule=rule.id, why=rule.why)
    return fields.model_copy(update={field: found, "choices": (*fields.choices, choice)})


def _rank(rule: KnownRule) -> tuple[int, int]:
    return KIND_ORDER.index(rule.identity_kind), -rule.id
