"""Waits for the database of Prefect's server, which has imported everything by then, and would else end without one."""

from __future__ import annotations

import asyncio

import asyncpg  # type: ignore[import-untyped]  # has no types
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL

_POLL_SECONDS = 0.1
# It does not run yet, is just starting, or has no database of this name yet.
_AWAY = (OSError, asyncpg.CannotConnectNowError, asyncpg.InvalidCatalogNameError, asyncpg.ConnectionDoesNotExistError)


def await_database() -> None:
    """Return once it lets in."""
    url = str(PREFECT_API_DATABASE_CONNECTION_URL.value()).replace("+asyncpg", "", 1)
    asyncio.run(_let_in(url))


async def _let_in(url: str) -> None:
    while True:
        try:
            connection = await asyncpg.connect(url)
        except _AWAY:
            await asyncio.sleep(_POLL_SECONDS)
        else:
            await connection.close()
            return
