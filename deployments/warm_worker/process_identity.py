"""Which process of which host a claim belongs to, and whether that process is gone: told from this host's process table
where that is possible, and from its worker's silence where it is not.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import psutil

# The server hears of a worker every HEARTBEAT_SECONDS; one on another host is given up after a silence of several.
HEARTBEAT_SECONDS = 10
SILENCE_SECONDS = 45.0
# A heartbeat may come so late; after that long since this host was booted, a clone of it would have been heard.
_LATEST_HEARTBEAT_SECONDS = 1.5 * HEARTBEAT_SECONDS


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process on one boot of one host. `pid_started`, in clock ticks since boot, tells it from a later one with the
    same pid.
    """

    host_id: str
    boot_id: str
    pid: int
    pid_started: int


@dataclass(frozen=True, slots=True)
class Silence:
    """How long a worker has not been heard: by the server's clock (`seconds`), and as long as this process has observed
    it without a gap (`observed_seconds`), which neither an outage of the server nor a clock that is set can prolong.
    """

    seconds: float
    observed_seconds: float
    limit_seconds: float = SILENCE_SECONDS


def this_process() -> ProcessIdentity:
    """The identity of the calling process (not kept: it may have been forked)."""
    pid = os.getpid()
    return ProcessIdentity(_host_id(), _boot_id(), pid, started_ticks(pid) or 0)


def process_is_gone(process: ProcessIdentity, silence: Silence) -> bool:
    """Whether a process has certainly ended, or, on another host, has been silent for too long."""
    if process.host_id == _host_id() and process.boot_id == _boot_id():
        return started_ticks(process.pid) != process.pid_started
    if process.host_id == _host_id() and _ended_with_an_earlier_boot(silence.seconds):
        return True
    return silence.observed_seconds > silence.limit_seconds


def _ended_with_an_earlier_boot(silent_seconds: float) -> bool:
    """Whether a process of another boot was last heard before this one began.

    A copy of this machine has its machine-id and another boot, too, but goes on to be heard.
    """
    up = seconds_since_boot()
    return up > _LATEST_HEARTBEAT_SECONDS and silent_seconds > up


def seconds_since_boot() -> float:
    """How long this host is up, whoever sets its clock; in a container, the host of the container."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


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
