"""A full disk refuses with an error that can pass, half-writes nothing, and takes objects again once there is room."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import free_ports, s3_client_of

from deployments.settings import StackSettings
from deployments.stack import Stack
from flows.storage import Inbox, StorageUnavailableError

_ROOM_MEGABYTES = 160
_OBJECT_BYTES = 4_000_000


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
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * (_ROOM_MEGABYTES // 2 * 1_000_000))
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
        again = inbox.put("a/again", b"room")
        assert inbox.read(again, max_bytes=9) == b"room"
