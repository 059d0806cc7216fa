"""Which process works on a receipt, and whether it is gone: told from this host's process table where that is
possible, and from its silence where it is not.
"""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path

from flows.ledger.values import ProcessIdentity, ProcessLease

# A holder on another host says every HEARTBEAT_SECONDS that it lives; after this silence it is given up. The fence
# keeps the books right if that was wrong.
SILENCE_SECONDS = 45.0
HEARTBEAT_SECONDS = 10.0


def this_process() -> ProcessIdentity:
    """The identity of the calling process (not kept: it may have been forked)."""
    pid = os.getpid()
    return ProcessIdentity(_host_id(), _boot_id(), pid, started_ticks(pid) or 0)


def process_is_gone(holder: ProcessLease) -> bool:
    """Whether a holder's process has certainly ended, or, on another host, has been silent for too long."""
    process = holder.process
    if process.host_id != _host_id():
        return holder.silent_seconds > SILENCE_SECONDS
    if process.boot_id != _boot_id():
        return True
    return started_ticks(process.pid) != process.pid_started


def started_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (field 22 of proc_pid_stat(5)); None if there is none.

    A zombie counts as gone: it does nothing any more.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may hold anything, so count from behind it.
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] in {b"Z", b"X"} else int(fields[19])


@lru_cache(maxsize=1)
def _host_id() -> str:
    """This host and process namespace: two containers on one machine see different process tables."""
    try:
        machine = Path("/etc/machine-id").read_text().strip()
    except OSError:
        machine = ""
    return f"{machine or socket.gethostname()}/{Path('/proc/self/ns/pid').readlink()}"


@lru_cache(maxsize=1)
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
