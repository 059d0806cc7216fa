"""Why a stack cannot start, each cause with its cure in the message."""

from __future__ import annotations

from pathlib import Path

from flows.domain.errors import ConfigurationError


class StackError(ConfigurationError):
    """Base of what keeps the embedded stack from starting; never raised itself."""


class DataInUseError(StackError):
    """Another stack runs on this data folder."""

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        self.data_dir, self.pid = data_dir, pid
        user = f"process {pid}" if pid else "another process"
        super().__init__(f"{data_dir} is in use by {user}: stop that stack first, or choose another folder (DATA=…).")


class PortBusyError(StackError):
    """A port of the plan is taken by a program that is not ours."""

    def __init__(self, port: int, base: int, count: int) -> None:
        self.port = port
        super().__init__(
            f"Port {port} on 127.0.0.1 is in use by another program; the stack takes {base} to {base + count - 1}. "
            f"Choose others, for instance PORT={base + 100}."
        )


class DataUnusableError(StackError):
    """The data folder, or a file that the stack keeps in it, is missing, broken or not ours."""


class ServiceFailedError(StackError):
    """A part did not become ready at its first start."""

    def __init__(self, name: str, reason: str, log: Path, tail: str) -> None:
        self.name, self.reason, self.log = name, reason, log
        shown = f"\nLast lines of {log}:\n{tail}" if tail else f"\nIts log {log} is empty."
        super().__init__(f"{name} did not start: {reason}.{shown}")
