"""How a pipeline stands at this moment: what answers, what waits, what was done last, and what of it is a problem."""

from __future__ import annotations

import datetime as dt
import platform
from dataclasses import dataclass, field
from enum import IntEnum

from deployments.disk import Disk

# The sweep comes every five minutes; one may fail or be late.
LONGEST_WITHOUT_SWEEP = dt.timedelta(minutes=20)
# Receipts in line behind a backfill wait longer: this is where a person looks.
LONGEST_WAITING = dt.timedelta(hours=1)
LOW_DISK_FRACTION = 0.1


class Level(IntEnum):
    """How bad it is; the numbers are the exit statuses that monitoring plugins agree on (0, 1, 2)."""

    FINE = 0
    WARNING = 1
    CRITICAL = 2


@dataclass(frozen=True)
class Part:
    """One part that was asked. `since` is when its process began, where that is known."""

    name: str
    answers: bool
    since: dt.datetime | None = None
    detail: str = ""


@dataclass(frozen=True)
class Problem:
    """What a person should look at."""

    level: Level
    what: str


@dataclass(frozen=True)
class Standing:
    """Everything that one screen shows. What could not be asked is None."""

    parts: tuple[Part, ...]
    workers: int | None = None
    states: dict[str, int] | None = None
    oldest_waiting_seconds: float | None = None
    unsent: int | None = None
    last_sweep: dt.datetime | None = None
    last_backup: dt.datetime | None = None
    disk: Disk | None = None
    versions: dict[str, str] = field(default_factory=lambda: {"python": platform.python_version()})

    def problems(self, now: dt.datetime) -> list[Problem]:
        """What is wrong, the worst first."""
        found = [
            Problem(Level.CRITICAL, f"{part.name} does not answer{part.detail and ': '}{part.detail}")
            for part in self.parts
            if not part.answers
        ]
        if self.workers == 0:
            found.append(Problem(Level.CRITICAL, "no worker is online: nothing is read"))
        waiting = dt.timedelta(seconds=self.oldest_waiting_seconds or 0)
        if waiting > LONGEST_WAITING:
            found.append(Problem(Level.WARNING, f"the oldest receipt has waited for {in_words(waiting)}"))
        if self.workers is not None and (self.last_sweep is None or now - self.last_sweep > LONGEST_WITHOUT_SWEEP):
            found.append(Problem(Level.WARNING, "no sweep has completed in the last 20 minutes"))
        if self.disk is not None and self.disk.is_low(LOW_DISK_FRACTION):
            found.append(Problem(Level.WARNING, f"less than {LOW_DISK_FRACTION:.0%} of the disk is free"))
        return sorted(found, key=lambda problem: -problem.level)

    def level(self, now: dt.datetime) -> Level:
        """The worst of the problems."""
        return max((problem.level for problem in self.problems(now)), default=Level.FINE)


def in_words(span: dt.timedelta) -> str:
    """A span as people say it, by its largest unit: "3 hours"."""
    seconds = max(span.total_seconds(), 0)
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size or size == 1:
            number = int(seconds // size)
            return f"{number} {unit}{'' if number == 1 else 's'}"
    raise AssertionError("every span has seconds")
