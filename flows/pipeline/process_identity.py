"""Which process works on a receipt, and whether it is gone: known from this host's process table where that is
possible, and from its silence where it is not.
"""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path

import psutil

from flows.ledger.values import ProcessIdentity, ProcessLease

# A process on another host writes a heartbeat every HEARTBEAT_SECONDS; after this silence it is given up. The fence
# keeps the ledger right if that was wrong.
SILENCE_SECONDS = 45.0
HEARTBEAT_SECONDS = 10.0


def this_process() -> ProcessIdentity:
    """The identity of the calling process (not kept: it may have been forked)."""
    pid = os.getpid()
    return ProcessIdentity(_host_id(), _boot_id(), pid, started_ticks(pid) or 0)


def process_is_gone(lease: ProcessLease) -> bool:
    """Whether a lease's process has certainly ended, or, on another host, has been silent for too long."""
    process = lease.process
    if process.host_id != _host_id():
        return lease.silent_seconds > SILENCE_SECONDS
    if process.boot_id != _boot_id():
        return True
    return started_ticks(process.pid) != process.pid_started


def started_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None if there is none.

    A zombie counts as gone: it does nothing any more. Ticks, because a time of day changes with the system's clock, and
    a living process would then be taken for another one.
    """
    while True:
        before = psutil.boot_time()
        try:
            process = psutil.Process(pid)
            if process.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}:
                return None
            created = process.create_time()
        except psutil.NoSuchProcess:
            return None
        if psutil.boot_time() == before:  # else the clock was set between: `created` is counted from another boot time
            ticks: int = round((created - before) * os.sysconf("SC_CLK_TCK"))
            return ticks


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
