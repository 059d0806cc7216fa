"""API keys: made once, shown once, kept as a hash; each belongs to one owner and has scopes and an end.

A key is 32 random bytes, so one plain SHA-256 protects it as well as a slow hash would.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from flows.domain.errors import ReceiptflowError
from flows.ledger.locking import as_value
from flows.ledger.schema import ApiKey

KEY_PREFIX = "rf_"
_SECRET_BYTES = 32
# Written at most so often: a busy key must not cost a row version a request.
_TOUCH_SECONDS = 60


class Scope(StrEnum):
    """What a key may do, for its own owner; `operator` alone reaches beyond, to the metrics of the whole system."""

    UPLOAD = "upload"
    READ = "read"
    REVIEW = "review"
    ADMIN = "admin"
    OPERATOR = "operator"


# What an owner may give away: all but what reaches beyond them.
OWNER_SCOPES = tuple(scope for scope in Scope if scope is not Scope.OPERATOR)


class KeyNotFoundError(ReceiptflowError):
    """No API key has this id."""

    def __init__(self, key_id: UUID) -> None:
        self.key_id = key_id
        super().__init__(f"no API key {key_id}; `receiptflow keys list` shows what there is")


@dataclass(frozen=True, slots=True)
class KeyView:
    """One API key without its secret."""

    id: UUID
    owner: str
    name: str
    scopes: list[str]
    created_at: dt.datetime
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None
    last_used_at: dt.datetime | None

    def usable(self, now: dt.datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def hash_of(secret: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_key(
    owner: str,
    name: str,
    scopes: Collection[Scope],
    *,
    session: Session,
    expires_at: dt.datetime | None = None,
) -> tuple[KeyView, str]:
    """Make a key. The secret is returned this once and cannot be had again.

    Args:
        owner: Whose receipts it is for.
        name: For people, to tell keys apart.
        scopes: What it may do.
        session: The transaction.
        expires_at: When it ends; None for never.
    """
    secret = KEY_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    row = ApiKey(
        owner=owner,
        name=name,
        secret_sha256=hash_of(secret),
        scopes=sorted(scope.value for scope in scopes),
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    return as_value(KeyView, row), secret


def find_key(secret: str, *, session: Session) -> KeyView | None:
    """The key with this secret, whether usable or not, its last use noted; None if there is none."""
    row = session.exec(select(ApiKey).where(ApiKey.secret_sha256 == hash_of(secret))).one_or_none()
    if row is None:
        return None
    stale = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, _TOUCH_SECONDS)
    touched = update(ApiKey).where(
        col(ApiKey.id) == row.id, col(ApiKey.last_used_at).is_(None) | (col(ApiKey.last_used_at) < stale)
    )
    session.execute(touched.values(last_used_at=func.now()))
    return as_value(KeyView, row)


def list_keys(*, session: Session, owner: str | None = None) -> list[KeyView]:
    """All keys, or one owner's, oldest first."""
    query = select(ApiKey).order_by(col(ApiKey.created_at), col(ApiKey.id))
    if owner is not None:
        query = query.where(ApiKey.owner == owner)
    return [as_value(KeyView, row) for row in session.exec(query)]


def revoke_key(key_id: UUID, *, session: Session) -> KeyView:
    """End a key now. One that was revoked before keeps its first time.

    Raises:
        KeyNotFoundError: There is none.
    """
    query = update(ApiKey).where(col(ApiKey.id) == key_id)
    query = query.values(revoked_at=func.coalesce(col(ApiKey.revoked_at), func.now()))
    session.execute(query)
    row = session.get(ApiKey, key_id, populate_existing=True)
    if row is None:
        raise KeyNotFoundError(key_id)
    return as_value(KeyView, row)
