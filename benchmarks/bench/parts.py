"""What every measurement works with: the running system, the pictures, the sizes, and the bare loop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from benchmarks.bench.bare import BareLoop
from benchmarks.bench.material import Receipts
from benchmarks.bench.system import System

# A receipt takes about a second of one core. On a machine on which it takes this long, something is broken.
SLOWEST_RECEIPT_SECONDS = 15.0
STARTING_SECONDS = 120.0
# Logs and events leave a process with a delay of up to two seconds.
SETTLE_SECONDS = 4.0


@dataclass
class Bench:
    """One benchmark run: parts ask it for pictures, patience and the baseline."""

    system: System
    receipts: Receipts
    quick: bool
    say: Callable[[str], None]
    closing: ExitStack = field(default_factory=ExitStack)

    def size(self, full: int, quick: int) -> int:
        """How many, in this run."""
        return quick if self.quick else full

    def batch(self, count: int, *, mixed: bool = True) -> list[bytes]:
        """So many receipts, each a purchase of its own."""
        return self.receipts.batch(count, mixed=mixed)

    @cached_property
    def bare(self) -> BareLoop:
        """The bare loop, its models loaded at first use."""
        return self.closing.enter_context(BareLoop(self.batch(1)[0]))


def patience(receipts: int) -> float:
    """How long so many receipts may take at the very most, in seconds."""
    return STARTING_SECONDS + receipts * SLOWEST_RECEIPT_SECONDS


Figures = dict[str, Any]
Part = Callable[[Bench], Figures]
