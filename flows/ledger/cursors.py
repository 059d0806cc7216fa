"""Cursors of keyset pages: the last row's sort key as an opaque string that fits into a URL."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from flows.ledger.errors import InvalidReferenceError

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
