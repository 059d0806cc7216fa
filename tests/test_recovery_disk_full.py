"""A full disk refuses with an error that can pass, half-writes nothing, and takes objects again once there is room."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from conftest import free_ports, s3_client_of
from ledger_helpers import received

from deployments.stack import Stack
from deployments.stack.settings import StackSettings
from flows.ledger.database import open_ledger
from flows.ledger.errors import LedgerUnavailableError
from flows.ledger.migrate import create_database, upgrade
from flows.ledger.receipts import get_receipt
from flows.storage import Inbox, StorageUnavailableError

_ROOM_MEGABYTES = 160
_OBJECT_BYTES = 4_000_000
_LEFT_BYTES = 4_000_000
_MANY = 100_000
_PATIENCE_SECONDS = 60.0
_Made = TypeVar("_Made")


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own with little room."""
    with tempfile.TemporaryDirectory(prefix="receiptflow-test-disk-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_ROOM_MEGABYTES}m", "tmpfs", folder]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            pytest.skip("only root may mount a small file system to fill")
        yield Path(folder)
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_full_disk_refuses_clearly_and_keeps_what_it_acknowledged(small_disk: Path) -> None:
    ballast = _fill(small_disk, _ROOM_MEGABYTES // 2 * 1_000_000)
    settings = StackSettings(data_dir=small_disk / "data", port=free_ports())
    with Stack(settings, core=["seaweedfs"]) as stack:
        inbox = Inbox(s3_client_of(stack), settings.inbox_bucket)
        kept = []
        with pytest.raises(StorageUnavailableError):
            for number in range(_ROOM_MEGABYTES):
                kept += [inbox.put(f"a/{number}", bytes([number]) * _OBJECT_BYTES)]
        assert kept
        for number, version in enumerate(kept):
            assert inbox.read(version, max_bytes=_OBJECT_BYTES) == bytes([number]) * _OBJECT_BYTES
        ballast.unlink()
        # A write that fails closes SeaweedFS's volume until the next heartbeats to its master have told of the room.
        again = _patiently(lambda: inbox.put("a/again", b"room"), StorageUnavailableError)
        assert inbox.read(again, max_bytes=9) == b"room"


def test_full_disk_refuses_receipts_clearly_and_keeps_those_it_acknowledged(small_disk: Path) -> None:
    """PostgreSQL even goes down where it has no room for its log; it is back, with all it said yes to, once it has."""
    settings = StackSettings(data_dir=small_disk / "data", port=free_ports())
    with Stack(settings, core=["postgres"]) as stack:
        url = stack.environment["RECEIPTFLOW_LEDGER_URL"]
        create_database(url)
        upgrade(url)
        ledger = open_ledger(url)
        ballast = _fill(small_disk, shutil.disk_usage(small_disk).free - _LEFT_BYTES)
        kept = []
        with pytest.raises(LedgerUnavailableError):
            for number in range(_MANY):
                kept += [received(ledger, f"a/{number}-{'x' * 900}")]
        ballast.unlink()
        again = _patiently(lambda: received(ledger, "a/again"), LedgerUnavailableError)
        with ledger.session() as session:
            assert {get_receipt(one, session=session).id for one in (*kept, again)} == {*kept, again}
        ledger.close()


def _fill(disk: Path, size_bytes: int) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size_bytes)
    return ballast


def _patiently(call: Callable[[], _Made], passing: type[Exception]) -> _Made:
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return call()
        except passing:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
