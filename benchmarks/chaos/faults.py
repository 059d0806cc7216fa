"""The faults: which part is struck in which manner, dealt like cards so that every kind comes up, and how it is done.

Manners: `kill` is kill -9; `stop` is SIGSTOP and, some seconds later, SIGCONT; `hang` is SIGSTOP for good, until
whoever watches the part replaces it; `refuse` keeps killing the part as often as it comes back, so that its port
refuses connections for a while. What users and operators do is in `operations`.
"""

from __future__ import annotations

import contextlib
import random
import signal
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from uuid import UUID

import psutil
import psycopg

from benchmarks.chaos import operations
from benchmarks.chaos.operations import Operations
from benchmarks.chaos.rig import Rig
from deployments.warm_worker.process_identity import this_process

SERVERS = ("server", "s3", "database")
_ONE_PROCESS = ("worker", "zygote", "prefork_master")
OF_WORKER = ("flow", "worker+flow", *_ONE_PROCESS)
CARDS: tuple[tuple[str, str], ...] = (
    *(("flow", manner) for manner in ("kill", "kill", "kill", "stop", "hang")),
    ("zygote", "kill"),
    ("prefork_master", "kill"),
    *(("worker", manner) for manner in ("kill", "stop", "hang")),
    *(("worker+flow", manner) for manner in ("kill", "kill", "stop")),
    *((server, manner) for server in SERVERS for manner in ("kill", "stop", "hang", "refuse")),
    ("machine", "kill"),
)
_HANG_SECONDS = 60.0
_WORK_SECONDS = 15.0
_AT_WORK_SHARE = 0.85
_BACK_SECONDS = 180.0


@dataclass
class Strike:
    """One fault that was injected. Times are Unix seconds; `back` is when what was hit did its work again."""

    part: str
    manner: str
    at: float
    back: float = 0.0
    interrupted: frozenset[UUID] = frozenset()
    trouble: str = ""

    @property
    def kind(self) -> str:
        """As it is counted."""
        return f"{self.part} {self.manner}"

    @property
    def is_server(self) -> bool:
        """Whether work waits for what was hit, where otherwise it was interrupted."""
        return self.part in SERVERS or self.part == "machine"


class Deck:
    """Deals every kind once in random order, then shuffles again. `machine` is never dealt as one of two.

    Args:
        rng: Shuffles.
        without: Cards that are not dealt.
    """

    def __init__(self, rng: random.Random, without: Collection[tuple[str, str]] = ()) -> None:
        self._rng = rng
        self._all = [card for card in (*CARDS, *operations.CARDS) if card not in without]
        self._cards: list[tuple[str, str]] = []

    def deal(self) -> tuple[str, str]:
        """The next fault."""
        if not self._cards:
            self._cards = self._rng.sample(self._all, len(self._all))
        return self._cards.pop()

    def deal_beside(self, part: str) -> tuple[str, str] | None:
        """The next one that can strike together with a part; None if no fault of the deck can."""
        while any(self._fits(card, part) for card in self._all):
            if self._fits(card := self.deal(), part):
                return card
        return None

    @staticmethod
    def _fits(card: tuple[str, str], part: str) -> bool:
        return card[0] != part and "machine" not in {card[0], part}


@dataclass
class Striker:
    """Does the faults to one rig and keeps the record of them."""

    rig: Rig
    rng: random.Random
    operations: Operations
    strikes: list[Strike] = field(default_factory=list)

    def strike(self, *cards: tuple[str, str]) -> list[Strike]:
        """Inject faults at the same moment and return once what was hit answers again."""
        running = self._running()
        done = [Strike(part, manner, time.time()) for part, manner in cards]
        self.strikes.extend(done)
        lengths = [self._length(manner) for _, manner in cards]
        threads = [
            threading.Thread(target=self._do, args=(strike, length, running))
            for strike, length in zip(done, lengths, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return done

    def await_work(self) -> None:
        """Wait until some receipt is being worked on, mostly; a fault without work to hit shows little."""
        deadline = time.monotonic() + (_WORK_SECONDS if self.rng.random() < _AT_WORK_SHARE else 0.0)
        while time.monotonic() < deadline and not self._running():
            time.sleep(0.1)

    def _length(self, manner: str) -> float:
        return {"stop": self.rng.uniform(0.5, 6.0), "refuse": self.rng.uniform(2.0, 15.0)}.get(manner, 0.0)

    def _do(self, strike: Strike, length: float, running: dict[int, UUID]) -> None:
        try:
            if (strike.part, strike.manner) in operations.CARDS:
                self.operations.do(strike.part, strike.manner)
                return
            targets = self._targets(strike, running)
            strike.interrupted = frozenset(running[target.pid] for target in targets if target.pid in running)
            if strike.part in {*_ONE_PROCESS, "machine"}:
                strike.interrupted = frozenset(running.values())
            strike.at = time.time()
            getattr(self, f"_{strike.manner}")(strike, targets, length)
            self._await_back(strike)
        except (psutil.Error, RuntimeError, OSError) as error:
            strike.trouble = f"{type(error).__name__}: {error}"
        finally:
            strike.back = strike.back or time.time()

    def _targets(self, strike: Strike, running: dict[int, UUID]) -> list[psutil.Process]:
        if strike.part == "machine":
            return []
        if strike.part == "flow":
            processes = self.rig.flow_processes()
            busy = [process for process in processes if process.pid in running]
            return [self.rng.choice(busy or processes)] if processes else []
        if strike.part in _ONE_PROCESS:
            process: psutil.Process | None = getattr(self.rig, strike.part)()
            return [process] if process else []
        process_tree = self.rig.process_tree(strike.part.removesuffix("+flow"))
        return process_tree[:1] if strike.manner == "kill" and strike.is_server else process_tree

    def _kill(self, strike: Strike, targets: list[psutil.Process], _length: float) -> None:
        if strike.part == "machine":
            self.rig.kill_machine()
            time.sleep(self.rng.uniform(0.0, 3.0))
            self.rig.start()
            return
        for target in targets:
            with contextlib.suppress(psutil.NoSuchProcess):
                target.kill()

    def _stop(self, _strike: Strike, targets: list[psutil.Process], length: float) -> None:
        _signal(targets, signal.SIGSTOP)
        time.sleep(length)
        _signal(targets, signal.SIGCONT)

    def _hang(self, strike: Strike, targets: list[psutil.Process], _length: float) -> None:
        deadline = time.monotonic() + _HANG_SECONDS
        while any(map(_lives, targets[:1])):
            # Again and again: a stop that struck together lets go of everything that it hit.
            _signal(targets, signal.SIGSTOP)
            if time.monotonic() > deadline:
                strike.trouble = f"nobody replaced the hung {strike.part} within {_HANG_SECONDS:.0f} s"
                _signal(targets, signal.SIGCONT)
                return
            time.sleep(0.1)

    def _refuse(self, strike: Strike, _targets: list[psutil.Process], length: float) -> None:
        end = time.monotonic() + length
        while time.monotonic() < end:
            for process in self.rig.process_tree(strike.part)[:1]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            time.sleep(0.1)

    def _await_back(self, strike: Strike) -> None:
        if strike.part in OF_WORKER:
            # The supervisor or the worker starts it again at once, and what that takes is part of resuming. What
            # was only stopped is back when it is let go; what hung, when it was put out of its misery.
            strike.back = strike.at if strike.manner == "kill" else time.time()
        deadline = time.monotonic() + _BACK_SECONDS
        part = "worker" if strike.part in OF_WORKER else "server" if strike.part == "machine" else strike.part
        while not self.rig.answers(part):
            if time.monotonic() > deadline:
                strike.trouble = f"{strike.part} did not come back within {_BACK_SECONDS:.0f} s"
                return
            time.sleep(0.05)

    def _running(self) -> dict[int, UUID]:
        """Flow run by process id of this host, as the ledger has it now; nothing if the database is away."""
        try:
            with self.rig.database("ledger") as connection:
                rows = connection.execute(
                    "SELECT (process->>'pid')::int, flow_run_id FROM receipts"
                    " WHERE state = 'running' AND process->>'host_id' = %s",
                    [this_process().host_id],
                )
                return dict(rows.fetchall())
        except psycopg.Error:
            return {}


def moments(rig: Rig, rng: random.Random) -> Iterator[None]:
    """Wait for the next random moment, again and again: any time, inside a step, or just after a durable result."""
    while True:
        manner = rng.choice(("any", "started", "durable", "started"))
        if manner == "any":
            time.sleep(rng.uniform(0.0, 3.0))
        else:
            _await_line(rig, manner, seconds=4.0)
            time.sleep(rng.choice((rng.uniform(0.0, 0.05), rng.uniform(0.0, 1.5))))
        yield


def _await_line(rig: Rig, event: str, seconds: float) -> None:
    """Return when a step writes that it started or that its result is durable, or after so long."""
    start = rig.executions.stat().st_size if rig.executions.exists() else 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if rig.executions.exists() and f"\t{event}\t".encode() in rig.executions.read_bytes()[start:]:
            return
        time.sleep(0.005)


def _signal(targets: list[psutil.Process], number: signal.Signals) -> None:
    for target in targets:
        with contextlib.suppress(psutil.NoSuchProcess):
            target.send_signal(number)


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
