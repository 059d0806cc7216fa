"""A running stack is backed up with receipts in flight, and restored on an empty machine and over its own newer bucket:
reconciling finds nothing, each content is one expense, what was in flight is finished, nothing that was read is read
again.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Prepare
from prefect.client.orchestration import get_client
from recovery_helpers import Live, picture, pointed_at, running, until

from deployments.backup.backup import Backup
from deployments.backup.destinations import open_destination
from deployments.backup.embedded import restore_stack
from deployments.backup.manifest import SECRETS, SETTINGS, load_snapshot
from deployments.backup.sealing import Opener, Sealer, make_key
from deployments.backup.site import site_of
from deployments.stack import Stack
from deployments.stack.settings import StackSettings
from flows.reconciliation import Counts, Discrepancy, find_discrepancies
from flows.sweep_inbox import sweep

COMMAND = (str(Path(sys.executable).parent / "receiptflow"),)

pytestmark = pytest.mark.recovery


def back_up(live: Live, folder: Path, public: str) -> Any:
    site = site_of(live.stack.environment, live.stack.settings.root)
    destination = open_destination(str(folder), create=True)
    return Backup(site, destination, Sealer([public]), with_secrets=True, with_results=True).take()


def restore(folder: Path, settings: StackSettings, key: Path, *, replace: bool = False) -> Any:
    return restore_stack(load_snapshot(open_destination(str(folder))), settings, Opener(key), replace=replace)


async def discrepancies(live: Live) -> list[Discrepancy]:
    async with get_client() as client:
        return [one async for one in find_discrepancies(live.pipeline, client, Counts())]


def rows(live: Live, statement: Any) -> list[Any]:
    with live.database("ledger") as connection:
        return connection.execute(statement).fetchall()


def finish(live: Live) -> dict[str, int]:
    """Sweep as the schedule does, wait for all; how many receipts are in which state."""
    asyncio.run(sweep(live.pipeline))
    unfinished = "SELECT count(*) FROM receipts WHERE state IN ('waiting', 'running')"
    until(lambda: rows(live, unfinished) == [(0,)], "the end of all receipts")
    return dict(Counter(state for (state,) in rows(live, "SELECT state FROM receipts")))


def require_consistent(live: Live, contents: int) -> None:
    assert rows(live, "SELECT count(*), count(DISTINCT content_id) FROM expenses") == [(contents, contents)]
    assert rows(live, "SELECT count(*), count(DISTINCT receipt_id) FROM notifications") == [(contents, contents)]
    assert until(lambda: asyncio.run(discrepancies(live)) == [], "a clean reconcile")


def require_no_secrets(live: Live, folder: Path) -> None:
    """The command without options: nothing is encrypted, and no credential lies there."""
    data = str(live.stack.settings.root)
    subprocess.run([*COMMAND, "backup", str(folder), "--data", data], check=True, capture_output=True)
    whole = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert SECRETS.encode() not in whole
    for name in ("s3_secret_key", "prefect_auth_string", "prefect_encryption_key", "events_token"):
        assert getattr(live.stack.credentials, name).get_secret_value().encode() not in whole


def test_a_stack_comes_back_whole_elsewhere_and_over_its_newer_bucket(
    stack_settings: Callable[[], StackSettings], prepare: Prepare, tmp_path: Path
) -> None:
    settings, backups, key = prepare(stack_settings()), tmp_path / "backups", tmp_path / "key"
    public = make_key(key)
    with running(settings) as parts, pointed_at(parts[0]) as client:
        live = Live(parts[0], parts[1], client, parts[2])
        done = live.require_one_expense(live.add(picture()))
        live.add(picture("slow=20"))
        live.started("extract_text", times=2)
        live.add(picture())
        manifest = back_up(live, backups, public)
        require_no_secrets(live, tmp_path / "plain")
        later = live.require_one_expense(live.add(picture()))
        read_before = len(live.lines("extract_text", "durable"))
        live.pipeline.ledger.close()
    assert {SECRETS, SETTINGS} <= set(manifest.files)

    elsewhere = stack_settings()
    restored = restore(backups, elsewhere, key)
    assert restored.in_flight in {1, 2}  # the last one may have been read meanwhile
    assert (elsewhere.root / "secrets.json").stat().st_mode & 0o777 == 0o600
    with Stack(elsewhere, core=["postgres"]) as stack:
        live_there = Live(stack, None, None, tmp_path / "none")  # type: ignore[arg-type]
        with live_there.database("prefect") as connection:
            assert connection.execute("SELECT count(*) FROM flow_run").fetchone() == (0,)
            assert connection.execute("SELECT count(*) > 0 FROM deployment").fetchone() == (True,)
            blocks = "SELECT count(*) FROM block_document WHERE name IN ('reading', 'receiptflow')"
            assert connection.execute(blocks).fetchone() == (2,)
    with running(elsewhere) as parts, pointed_at(parts[0]) as client:
        live = Live(parts[0], parts[1], client, parts[2])
        assert sum(finish(live).values()) == 3
        require_consistent(live, 3)
        assert live.receipt(done.id).state is done.state
        assert done.sha256 is not None
        assert live.lines("extract_text", "", done.sha256) == []
        live.pipeline.ledger.close()

    assert restore(backups, settings, key, replace=True).put == 0
    with running(settings) as parts, pointed_at(parts[0]) as client:
        live = Live(parts[0], parts[1], client, parts[2])
        assert sum(finish(live).values()) == 4
        require_consistent(live, 4)
        assert later.sha256 is not None
        assert len(live.lines("extract_text", "durable", later.sha256)) == 1
        assert len(live.lines("extract_text", "durable")) <= read_before + 2
        live.pipeline.ledger.close()
