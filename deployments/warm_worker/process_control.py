"""What the operating system is asked for about processes: dying with the parent, groups, status, memory.

Linux only in part: where `prctl` is missing, a child still ends when the socket to its worker closes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_BELOW_WORKER = 5  # niceness that is added
MESSAGE_BYTES = 1 << 18  # bound of one message between worker and zygote; Linux sockets take 208 KiB by default


def _prctl(option: int, value: int | bytes) -> None:
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when `parent_pid` dies; end at once if it is dead already.

    The check after the call closes the race of a parent that died between our fork and the call.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)


def adopt_orphans() -> None:
    """Have the kernel make this process the parent of whatever its children leave behind when they die."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def set_name(name: str) -> None:
    """Have this process, and those that it forks, listed under this name; of at most 15 bytes."""
    _prctl(_PR_SET_NAME, name.encode())


def kill_children(but: int = 0) -> None:
    """SIGKILL every child, without this one, then what those leave behind, and return when the last one is gone."""
    own = psutil.Process()
    while others := [child for child in own.children() if child.pid != but]:
        for child in others:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        for child in others:
            with suppress(ChildProcessError):
                os.waitpid(child.pid, 0)


def kill_group(pid: int) -> None:
    """SIGKILL the process group that `pid` leads, with whatever programs it started; a dead group is fine."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def thread_names() -> list[str]:
    """Names of this process's threads as the kernel sees them, also those that no Python code started."""
    tasks = Path("/proc/self/task")  # psutil knows their ids and times only
    if not tasks.is_dir():
        return ["main"]
    return [(task / "comm").read_text().strip() for task in tasks.iterdir()]


def resident_bytes(pid: int) -> int | None:
    """Resident memory of a process in bytes, None when it is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return None


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, 0 when it is gone."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def is_stopped(pid: int) -> bool:
    """Whether the process is stopped (SIGSTOP, a debugger)."""
    try:
        return psutil.Process(pid).status() in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP}
    except psutil.NoSuchProcess:
        return False


def lower_session() -> None:
    """Lower this process and its session below the worker: reading takes what servers and the worker leave over.

    With autogroups (sched(7)) niceness counts within a session only; a session of one's own would compete with the
    servers as an equal.
    """
    niceness = os.nice(_BELOW_WORKER)
    with suppress(OSError):  # a kernel without autogroups: niceness counts everywhere
        Path("/proc/self/autogroup").write_text(str(niceness))
