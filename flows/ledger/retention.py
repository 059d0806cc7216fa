"""Removes history from the ledger that nothing needs any more: a batch a call, each in the caller's transaction.

Never a receipt, an expense, a content or what is still to be done: only rows of finished receipts whose time is over
and whose owner nothing is held of.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, false, func, or_, true
from sqlmodel import Session, col, select

from flows.ledger.schema import (
    FINAL_STATES,
    Content,
    DeliveryState,
    ExtractionRow,
    Notification,
    Receipt,
    StateChange,
    Upload,
)

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Expiry:
    """What is older than `before` may go, but nothing of the owners in `held`."""

    before: dt.datetime
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptResults:
    """What the ledger knows of a content's results: whether they may be thinned out, and which it refers to."""

    may_go: bool
    referred_to: frozenset[str]


def _notifications(expiry: Expiry) -> Select[Any]:
    done = exists().where(col(Receipt.id) == col(Notification.receipt_id), col(Receipt.state).in_(FINAL_STATES))
    return select(Notification.id).where(
        col(Notification.state).in_([DeliveryState.SENT, DeliveryState.FAILED]),
        func.coalesce(col(Notification.sent_at), col(Notification.next_attempt_at)) < expiry.before,
        col(Notification.owner).not_in(expiry.held),
        done,
    )


def _uploads(expiry: Expiry) -> Select[Any]:
    done = exists().where(col(Receipt.id) == col(Upload.receipt_id), col(Receipt.state).in_(FINAL_STATES))
    never_came = col(Upload.receipt_id).is_(None)
    return select(Upload.id).where(
        func.coalesce(col(Upload.expires_at), col(Upload.created_at)) < expiry.before,
        col(Upload.owner).not_in(expiry.held),
        or_(done, never_came),
    )


def _audit(expiry: Expiry) -> Select[Any]:
    """Of deleted receipts; whose they were is not known any more, so that one owner's hold holds all."""
    there = exists().where(col(Receipt.id) == col(StateChange.receipt_id))
    nobody_held: ColumnElement[bool] = false() if expiry.held else true()
    return select(StateChange.id).where(col(StateChange.at) < expiry.before, ~there, nobody_held)


KINDS: dict[str, tuple[Any, Callable[[Expiry], Select[Any]]]] = {
    "notifications": (Notification, _notifications),
    "uploads": (Upload, _uploads),
    "audit": (StateChange, _audit),
}


def count_expired(kind: str, expiry: Expiry, *, session: Session) -> int:
    """How many rows of a kind may go."""
    _, expired = KINDS[kind]
    return session.exec(select(func.count()).select_from(expired(expiry).subquery())).one()


def remove_expired(kind: str, expiry: Expiry, *, session: Session, limit: int = BATCH) -> int:
    """Remove rows of a kind that may go, at most `limit`; returns how many went, 0 when none is left."""
    table, expired = KINDS[kind]
    batch = expired(expiry).limit(limit).with_for_update(skip_locked=True, of=table)
    removed = session.execute(delete(table).where(table.id.in_(batch.scalar_subquery())).returning(table.id))
    return len(removed.all())


def kept_results(sha256s: Collection[str], held: Collection[str], *, session: Session) -> dict[str, KeptResults]:
    """What the ledger says of the results of these contents; one that it does not know is left out.

    Results may be thinned out once every receipt of the content is finished and none of its owners is held.
    """
    open_ones = exists().where(col(Receipt.content_id) == col(Content.id), col(Receipt.state).not_in(FINAL_STATES))
    query = (
        select(Content.sha256, Content.owner, open_ones, ExtractionRow.words_key)
        .outerjoin(ExtractionRow, col(ExtractionRow.content_id) == col(Content.id))
        .where(col(Content.sha256).in_(sha256s))
    )
    found: dict[str, KeptResults] = {}
    for sha256, owner, is_open, words_key in session.exec(query):
        before = found.get(sha256, KeptResults(may_go=True, referred_to=frozenset()))
        keys = {words_key} if words_key else set()
        found[sha256] = KeptResults(
            may_go=before.may_go and not is_open and owner not in held, referred_to=before.referred_to | keys
        )
    return found
