"""When a pooled connection to the ledger is tried before it is used: not each time, which is a round trip each time.

A server that closes a connection says so, which shows as something to be read; what a router forgot about does not, but
only after it was idle for long. So what was used a moment ago and has nothing to say is used again as it is.
"""

from __future__ import annotations

import select
import time
from typing import Any

import psycopg
from sqlalchemy import Engine, event, exc
from sqlalchemy.pool import ConnectionPoolEntry

TRIED_AFTER_IDLE_SECONDS = 5.0
_RETURNED = "returned"


def try_before_use(engine: Engine) -> None:
    """Replace a connection that has ended when it is taken from the pool; in the place of `pool_pre_ping`."""

    def note_return(_connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info[_RETURNED] = time.monotonic()

    def try_it(connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        returned = entry.info.get(_RETURNED)
        if returned is None:
            return  # it was opened for this use
        if time.monotonic() - returned < TRIED_AFTER_IDLE_SECONDS and not _has_something_to_say(connection):
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise exc.DisconnectionError from error

    event.listen(engine, "checkin", note_return)
    event.listen(engine, "checkout", try_it)


def _has_something_to_say(connection: Any) -> bool:
    """Whether an answer that nobody asked for, or the end, has arrived."""
    waiting = select.poll()
    try:
        waiting.register(connection.fileno(), select.POLLIN)
    except psycopg.Error:  # it is closed on this side
        return True
    return bool(waiting.poll(0))
