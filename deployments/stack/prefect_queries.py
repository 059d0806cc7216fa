"""Prefect's server asks its database less for the same answers; it has no settings for this.

Before each use a pooled connection is tried with a transaction of its own, three round trips. The driver knows when
the server has closed a connection; what a router forgot about is found by a trial every few seconds, too. And with each
flow run and deployment its work queue, that queue's work pool, and the run's state are read by statements of their own:
here one statement joins them. A deployment that was read is kept as long as its session, which forgets what nobody
holds and reads it again for the run's event. Half of the statements for making a run were such
(docs/decisions-worker.md).
"""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakKeyDictionary

from prefect.server.database.orm_models import Deployment, FlowRun, WorkQueue
from prefect.server.models import flow_runs
from sqlalchemy import event
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.orm import ORMExecuteState, QueryContext, Session, defaultload

# Each refers to one row or none.
_JOINED: tuple[Any, ...] = (FlowRun._state, FlowRun.work_queue, Deployment.work_queue, WorkQueue.work_pool)
TRIED_EVERY_SECONDS = 5.0
_KEPT = "receiptflow: deployments"
_HOW = (("lazy", "joined"),)


def ask_less() -> None:
    """Change it for all databases and sessions of this process, before the first is opened."""
    dialect: Any = PGDialect_asyncpg
    ping = dialect.do_ping
    tried: WeakKeyDictionary[Any, float] = WeakKeyDictionary()

    def try_now_and_then(self: PGDialect_asyncpg, connection: Any) -> bool:
        driver_connection = connection.driver_connection
        if driver_connection.is_closed():
            return False
        now = time.monotonic()
        if now - tried.get(driver_connection, float("-inf")) < TRIED_EVERY_SECONDS:
            return True
        tried[driver_connection] = now
        return bool(ping(self, connection))

    dialect.do_ping = try_now_and_then
    for relationship in _JOINED:
        mapped = relationship.property
        mapped.lazy, mapped.strategy_key, mapped.strategy = "joined", _HOW, mapped._get_strategy(_HOW)
    module: Any = flow_runs
    module.selectinload = _AsMapped  # its queries name another strategy for these
    event.listen(Session, "do_orm_execute", _lock_the_entity)
    event.listen(Deployment, "load", _keep)


class _AsMapped:
    """In the place of `selectinload(…).selectinload(…)`: leaves both relationships to their mappers."""

    def __init__(self, attribute: Any) -> None:
        self._load = defaultload(attribute)

    def selectinload(self, attribute: Any) -> Any:
        return self._load.defaultload(attribute)


def _keep(deployment: Deployment, context: QueryContext) -> None:
    """Have the session hold it: by itself it holds only what has been changed."""
    context.session.info.setdefault(_KEPT, []).append(deployment)


def _lock_the_entity(state: ORMExecuteState) -> None:
    """`FOR UPDATE` is of the entity alone: what is joined to it may be missing, and PostgreSQL locks no such row."""
    statement: Any = state.statement
    locks = getattr(statement, "_for_update_arg", None)
    if locks is None or locks.of is not None or not state.is_select:
        return
    entity = statement.column_descriptions[0]["entity"]
    if entity is not None:
        state.statement = statement.with_for_update(
            of=entity,
            nowait=locks.nowait,
            read=locks.read,
            skip_locked=locks.skip_locked,
            key_share=locks.key_share,
        )
