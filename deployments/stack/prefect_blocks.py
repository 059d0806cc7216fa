"""Prefect's block types are registered in a database once for what is installed, and not sought anew at each start.

By itself the server imports all installed collections at each start, boto3 with them, to find that it has registered
them before. Here a file says so. Who makes the database anew removes it; other versions have another text in it.
"""

from __future__ import annotations

import asyncio
import os
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

MARK = "block-types"  # in Prefect's home
_REMEMBER = "PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION"


def register_once(mark: Path) -> None:
    """Have the server that is made in this process later register them unless the file says that it has.

    To be called before Prefect's settings are read. The file is looked at when the database is there.
    """
    os.environ[_REMEMBER] = "false"  # Prefect's own way to remember, which imports all of them
    from prefect.server.models import block_registration  # noqa: PLC0415 - after the settings

    register, installed = block_registration.run_block_auto_registration, _installed()

    async def register_if_needed(session: Any) -> None:
        if await asyncio.to_thread(_text, mark) != installed:
            await register(session=session)
            await asyncio.to_thread(mark.write_text, installed)

    block_registration.run_block_auto_registration = register_if_needed


def _text(mark: Path) -> str:
    return mark.read_text() if mark.exists() else ""


def _installed() -> str:
    collections = {
        f"{one.name} {one.dist.version if one.dist else ''}" for one in entry_points(group="prefect.collections")
    }
    return "\n".join([f"prefect {version('prefect')}", *sorted(collections)])
