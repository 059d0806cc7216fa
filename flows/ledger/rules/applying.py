"""Rules laid over a reading, before it is decided what becomes of it: what they choose is the machine's, with why."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from flows.domain.fields import ReceiptFields
from flows.domain.folding import squeeze
from flows.learning import MERCHANT, Identity, KnownRule, identities_of, with_choices
from flows.ledger.categories import CategoryNotFoundError, known_category
from flows.ledger.schema import RuleKind, RuleRow

_KIND_IN_WORDS = {
    "tax_id": "by its tax number",
    "domain": "by its web address",
    "phone": "by its phone number",
    "address": "by its address",
    "name": "by the name that is printed",
    MERCHANT: "by its merchant",
}


def apply_rules(owner: str, fields: ReceiptFields, text: str, *, session: Session) -> ReceiptFields:
    """The reading with what the owner's rules choose for it; as it is where none fits.

    A reading that rules were laid over already is not changed again.

    Args:
        owner: Whose rules.
        fields: What was read.
        text: Every printed word.
        session: The transaction.
    """
    if fields.choices:
        return fields
    naming = _fitting(owner, RuleKind.MERCHANT, identities_of(fields, text), session=session)
    named = with_choices(fields, [_known(rule, "named") for rule in naming])
    if named.merchant is None:
        return named
    mark = Identity(MERCHANT, squeeze(named.merchant.value))
    fitting = _fitting(owner, RuleKind.CATEGORY, [mark], session=session)
    categorising = [rule for rule in fitting if _is_offered(rule, session=session)]
    return with_choices(named, (), [_known(rule, "chosen") for rule in categorising])


def _fitting(owner: str, kind: RuleKind, marks: Sequence[Identity], *, session: Session) -> Sequence[RuleRow]:
    if not marks:
        return []
    query = select(RuleRow).where(
        RuleRow.owner == owner,
        RuleRow.kind == kind,
        ~col(RuleRow.disabled),
        tuple_(col(RuleRow.identity_kind), col(RuleRow.identity_value)).in_([tuple(mark) for mark in marks]),
    )
    fitting = session.exec(query).all()
    # What a person said outright goes before what follows from their corrections.
    return [rule for rule in fitting if rule.content_id is None] or fitting


def _is_offered(rule: RuleRow, *, session: Session) -> bool:
    """Whether its category is there still; a rename is followed."""
    try:
        rule.result = known_category(rule.owner, rule.result, session=session)
    except CategoryNotFoundError:
        return False
    return True


def _known(rule: RuleRow, verb: str) -> KnownRule:
    how = _KIND_IN_WORDS[rule.identity_kind]
    why = f"{verb} by {rule.made_by} on {rule.made_at:%Y-%m-%d} (rule {rule.id}, known {how})"
    return KnownRule(rule.id, rule.identity_kind, rule.result, why)
