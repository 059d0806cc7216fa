"""Stacks that are measured from outside only, so that an older commit's stack can be measured by the same code.

Started by its command, asked over HTTP, its memory and CPU time read from /proc, its rows counted in its databases.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bench.system import System, own_program
from benchmarks.chaos.rig import free_ports
from deployments.stack.settings import Ports


@dataclass(frozen=True)
class Outside:
    """Which program is measured, and how thoroughly."""

    quick: bool
    say: Callable[[str], None]
    program: Path = field(default_factory=own_program)
    port: int | None = None

    def size(self, full: int, quick: int) -> int:
        """How many, in this run."""
        return quick if self.quick else full

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder for a stack of its own."""
        with tempfile.TemporaryDirectory(prefix="receiptflow-bench-") as folder:
            yield Path(folder)

    def system(self, folder: Path) -> System:
        """A stack on this folder, not yet started."""
        return System(folder, self.port or free_ports(Ports.COUNT), self.program)

    @contextmanager
    def running(self) -> Iterator[System]:
        """A stack in a fresh folder, started."""
        with self.folder() as folder, self.system(folder) as system:
            yield system
