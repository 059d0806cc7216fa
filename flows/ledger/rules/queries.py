"""Which rules an owner has, and switching one off or on by hand, which learning leaves alone from then on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from flows.domain.errors import ReceiptflowError
from flows.ledger.locking import clean
from flows.ledger.schema import Content, RuleKind, RuleRow, RuleUse

_MOST = 1000


class RuleNotFoundError(ReceiptflowError):
    """The owner has no rule with this number."""

    def __init__(self, rule_id: int) -> None:
        self.rule_id = rule_id
        super().__init__(f"there is no rule {rule_id}; `receiptflow rules list` shows those that there are")


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule. `uses` counts receipts whose reading it has changed; `made_from` is the receipt that it came from."""

    id: int
    kind: RuleKind
    identity_kind: str
    identity_value: str
    result: str
    made_from: UUID | None
    made_by: str
    made_at: dt.datetime
    uses: int
    disabled: bool
    disabled_reason: str | None
    set_by: str | None
    by_hand: bool


def list_rules(owner: str, *, session: Session, kind: RuleKind | None = None, limit: int = _MOST) -> list[RuleView]:
    """The owner's rules, the newest first."""
    query = _rules_of(owner)
    if kind is not None:
        query = query.where(RuleRow.kind == kind)
    rows = session.exec(query.order_by(col(RuleRow.made_at).desc(), col(RuleRow.id).desc()).limit(limit))
    return [_view(*row) for row in rows]


def switch_rule(rule_id: int, actor: str, *, owner: str, session: Session, disabled: bool) -> RuleView:
    """Switch a rule off or on; it changes nothing of what was read before.

    Raises:
        RuleNotFoundError: There is none, or it is another owner's.
    """
    reason = f"switched off by {actor}" if disabled else None
    query = update(RuleRow).where(col(RuleRow.id) == rule_id, col(RuleRow.owner) == owner)
    query = query.values(disabled=disabled, disabled_reason=clean(reason), set_by=clean(actor), updated_at=func.now())
    if not session.execute(query.returning(col(RuleRow.id))).all():
        raise RuleNotFoundError(rule_id)
    return rule_of(rule_id, owner, session=session)


def rule_of(rule_id: int, owner: str, *, session: Session) -> RuleView:
    """One of the owner's rules.

    Raises:
        RuleNotFoundError: There is none, or it is another owner's.
    """
    row = session.exec(_rules_of(owner).where(RuleRow.id == rule_id)).one_or_none()
    if row is None:
        raise RuleNotFoundError(rule_id)
    return _view(*row)


def _rules_of(owner: str) -> Any:
    """Rules, each with the receipt that it was made from and how often it has chosen."""
    uses = select(func.count()).where(col(RuleUse.rule_id) == col(RuleRow.id)).scalar_subquery()
    query = select(RuleRow, Content.canonical_receipt_id, uses)
    return query.outerjoin(Content, col(Content.id) == col(RuleRow.content_id)).where(RuleRow.owner == owner)


def _view(rule: RuleRow, made_from: UUID | None, uses: int) -> RuleView:
    marks = (rule.identity_kind, rule.identity_value, rule.result)
    made = (made_from, rule.made_by, rule.made_at)
    switched = (rule.disabled, rule.disabled_reason, rule.set_by)
    return RuleView(rule.id, rule.kind, *marks, *made, uses, *switched, by_hand=rule.content_id is None)
