"""How a child process ended before its run did: the reason, in a form that recovery and people can use."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from enum import StrEnum


class ExitReason(StrEnum):
    """Why the process of a run is gone. The values are stable: they are stored and shown."""

    SIGNAL = "signal"  # killed from outside, or by its own fault (segfault, abort)
    EXIT = "exit"  # ended by itself without finishing the run
    MEMORY = "memory"  # our watchdog: over the memory limit
    TIME = "time"  # our watchdog: over the run time limit
    STOPPED = "stopped"  # our watchdog: stopped (SIGSTOP) for too long
    SILENT = "silent"  # our watchdog: no heartbeat, as from code that never gives the interpreter back
    ZYGOTE = "zygote"  # the process that all children come from died, and they with it
    CANCELLED = "cancelled"  # the worker killed it since the run was cancelled
    LOST = "lost"  # never started, or its worker lost the server before it could


@dataclass(frozen=True)
class ProcessExit:
    """The end of one child process in the middle of a run.

    `signal` and `exit_code` are as the kernel reported them; `detail` is a sentence for people.
    """

    reason: ExitReason
    pid: int = 0
    signal: int | None = None
    exit_code: int | None = None
    detail: str = ""

    def __str__(self) -> str:
        return self.detail or f"process {self.pid} ended: {self.reason}"


def from_wait_status(pid: int, status: int, reason: ExitReason | None = None, detail: str = "") -> ProcessExit:
    """Describe an exit by its `waitpid` status; `reason` is given when a watchdog of ours killed the process."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        text = detail or f"process {pid} was killed by {name}"
        return ProcessExit(reason or ExitReason.SIGNAL, pid, signal=-code, detail=text)
    text = detail or f"process {pid} exited with code {code} in the middle of a run"
    return ProcessExit(reason or ExitReason.EXIT, pid, exit_code=code, detail=text)
