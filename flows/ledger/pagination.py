"""Keyset pages and their cursors: the last row's sort key as an opaque string that fits into a URL."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import Session

from flows.ledger.errors import InvalidReferenceError
from flows.ledger.locking import as_value
from flows.ledger.views import Page

V = TypeVar("V")

_READERS: dict[type, Callable[[Any], Any]] = {int: int, dt.datetime: dt.datetime.fromisoformat, UUID: UUID, str: str}


def write_cursor(*key: int | str | dt.datetime | UUID) -> str:
    """The cursor that stands behind the row whose sort key is `key`."""
    plain = [part.isoformat() if isinstance(part, dt.datetime) else part for part in key]
    return base64.urlsafe_b64encode(json.dumps(plain, default=str).encode()).decode().rstrip("=")


def read_cursor(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The sort key that `cursor` was written from, its parts of the given kinds.

    Raises:
        InvalidReferenceError: It was not written for such a key.
    """
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return tuple(_READERS[kind](part) for kind, part in zip(kinds, parts, strict=True))
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise InvalidReferenceError(f"{cursor!r} is no cursor of this list; use `next` of the page before") from error


def newest_page(
    kind: type[V], query: Any, order: tuple[Any, Any], limit: int, after: str | None, *, session: Session
) -> Page[V]:
    """Rows of a query as values, newest first, from behind `after`.

    Args:
        kind: What each row is returned as.
        query: Selects the table's rows.
        order: A time column and the id, which together are unique.
        limit: At most so many.
        after: The `next` of the page before.
        session: The transaction.

    Raises:
        InvalidReferenceError: `after` is no cursor of this list.
    """
    if after is not None:
        query = query.where(tuple_(*order) < tuple_(*read_cursor(after, dt.datetime, UUID)))
    rows = list(session.exec(query.order_by(*(column.desc() for column in order)).limit(limit + 1)))
    last = rows[limit - 1] if len(rows) > limit else None
    following = write_cursor(*(getattr(last, column.key) for column in order)) if last else None
    return Page(tuple(as_value(kind, row) for row in rows[:limit]), following)
