"""What OCR and parse cost inside the system: the notes of `flows.pipeline.durable_step` in its execution log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# The steps whose cost is no overhead.
_WORK = frozenset({"extract_text", "parse_receipt"})
_FIELDS_WITH_COST = 8


@dataclass(frozen=True)
class Cost:
    """Seconds that OCR and parse of one content took: CPU of their thread, and wall; in which process."""

    cpu: float
    wall: float
    pid: int


def costs_by_content(log: Path) -> dict[str, Cost]:
    """OCR and parse of each content (sha256) that the log tells of; there is no log before the first step."""
    costs: dict[str, Cost] = {}
    for line in log.read_text().splitlines() if log.exists() else ():
        fields = line.split("\t")
        if len(fields) == _FIELDS_WITH_COST and fields[2] in _WORK:
            before = costs.get(fields[3], Cost(0.0, 0.0, 0))
            costs[fields[3]] = Cost(before.cpu + float(fields[6]), before.wall + float(fields[7]), int(fields[5]))
    return costs


def mean_cpu(costs: Iterable[Cost]) -> float:
    """Mean CPU seconds."""
    values = [cost.cpu for cost in costs]
    return sum(values) / len(values)
