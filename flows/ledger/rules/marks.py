"""The marks of merchants on each content, and which rules a reading has used: written with the reading."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, literal, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from flows.domain.fields import ReceiptFields
from flows.learning import MERCHANT, Identity, identities_of
from flows.ledger.locking import clean
from flows.ledger.schema import Content, ContentIdentity, ContentText, ExtractionRow, RuleRow, RuleUse

# As text: an `insert` of the dialect, with rows as its values, is compiled anew each time.
_INSERT = text(
    """INSERT INTO content_identities (content_id, owner, kind, value)
    SELECT :content_id, :owner, found.* FROM unnest(CAST(:kinds AS text[]), CAST(:values AS text[])) found
    ON CONFLICT DO NOTHING"""
)
_LONGEST = 200  # characters of a mark: an index's entry has to hold it


def keep_marks(content: Content, fields: ReceiptFields, text: str, *, session: Session) -> None:
    """Write the marks of a reading, and the rules that it has used, in place of those of an earlier one."""
    mine = delete(ContentIdentity).where(col(ContentIdentity.content_id) == content.id)
    session.execute(mine.where(col(ContentIdentity.kind) != MERCHANT))
    _insert(content, identities_of(as_read(fields), text), session=session)
    session.execute(delete(RuleUse).where(col(RuleUse.content_id) == content.id))
    used = sorted({choice.rule for choice in fields.choices})
    if used:  # those that were not taken away since
        there = select(RuleRow.id, literal(content.id)).where(col(RuleRow.id).in_(used))
        session.execute(insert(RuleUse).from_select(["rule_id", "content_id"], there.with_for_update(key_share=True)))


def marks_about(content: Content, name: str, *, session: Session) -> list[Identity]:
    """The marks of a content, once it is kept which merchant a person's word about it is about.

    Args:
        content: Which content.
        name: The merchant's, folded; empty for none.
        session: The transaction.
    """
    kept = _marks_of(content, session=session)
    about = [Identity(MERCHANT, clean(name[:_LONGEST]))] if name else []
    before = [mark for mark in kept if mark.kind == MERCHANT]
    if before and before != about:
        mine = delete(ContentIdentity).where(col(ContentIdentity.content_id) == content.id)
        session.execute(mine.where(col(ContentIdentity.kind) == MERCHANT))
    if before != about:
        _insert(content, about, session=session)
    return [*(mark for mark in kept if mark.kind != MERCHANT), *about]


def _marks_of(content: Content, *, session: Session) -> list[Identity]:
    """Found anew where it was read by a release that kept none."""
    query = select(ContentIdentity.kind, ContentIdentity.value).where(ContentIdentity.content_id == content.id)
    kept = [Identity(*row) for row in session.exec(query.order_by(col(ContentIdentity.kind)))]
    if any(mark.kind != MERCHANT for mark in kept):
        return kept
    return kept + _found_anew(content, session=session)


def as_read(fields: ReceiptFields) -> ReceiptFields:
    """The reading with the merchant's name as it was printed, whatever a rule chose."""
    chosen = next((choice for choice in fields.choices if choice.field == "merchant"), None)
    if chosen is None or fields.merchant is None:
        return fields
    read = fields.merchant.model_copy(update={"value": chosen.machine}) if chosen.machine else None
    return fields.model_copy(update={"merchant": read})


def _found_anew(content: Content, *, session: Session) -> list[Identity]:
    newest = select(ExtractionRow.fields).where(ExtractionRow.content_id == content.id)
    fields = session.exec(newest.order_by(col(ExtractionRow.created_at).desc()).limit(1)).one_or_none()
    if fields is None:
        return []
    text = session.exec(select(ContentText.text).where(ContentText.content_id == content.id)).one_or_none() or ""
    found = identities_of(as_read(ReceiptFields.model_validate(fields)), text)
    _insert(content, found, session=session)
    return list(found)


def _insert(content: Content, found: Sequence[Identity], *, session: Session) -> None:
    if found:
        marks = {"kinds": [one.kind for one in found], "values": [clean(one.value[:_LONGEST]) for one in found]}
        session.execute(_INSERT, {"content_id": content.id, "owner": content.owner, **marks})
