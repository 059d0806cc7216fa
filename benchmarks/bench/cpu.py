"""CPU seconds and memory by part of the stack, from /proc: each part's process and all below it, ended ones too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from contextlib import suppress

import psutil

# Under the supervisor by the names of `stack.json`; what is left over is the supervisor with its guardians.
_SUPERVISOR = "supervisor"


def process_tree(pid: int) -> list[psutil.Process]:
    """A process and all below it; those that end meanwhile are left out."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def family_seconds(pid: int) -> float:
    """CPU time of a process, of all below it, and of those below it that have ended and were waited for."""
    return sum(sum(_times(process)) for process in process_tree(pid))


def resident_mb(pid: int) -> float:
    """Resident memory of a process and all below it; a page that several share is counted once among them (PSS).

    PostgreSQL's buffers and what forks have in common would else be counted for each process that has touched them.
    """
    total = 0
    for process in process_tree(pid):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total / 1e6


def seconds_by_part(supervisor: int, pids: Mapping[str, int], flows: Container[int] = ()) -> Counter[str]:
    """CPU seconds of the supervisor and of each named part, the worker and PostgreSQL parted further.

    `flows` are the processes that execute flow runs, where that is known.
    """
    spent: Counter[str] = Counter({name: family_seconds(pid) for name, pid in pids.items()})
    spent[_SUPERVISOR] = family_seconds(supervisor) - spent.total()  # type: ignore[assignment]  # a Counter counts floats too
    if "worker" in pids:
        spent["worker: flow runs"] = _of_flow_runs(pids["worker"], flows)  # type: ignore[assignment]  # a Counter counts floats too
        spent["worker"] -= spent["worker: flow runs"]
    if "postgres" in pids:
        spent.update(_backends(pids["postgres"]))
        spent["postgres"] -= spent["postgres: prefect"] + spent["postgres: ledger"]
    return spent


def _of_flow_runs(worker: int, flows: Container[int]) -> float:
    """Time of the processes that execute flow runs. Of those that ended, nearly all were such."""
    times = [(process.pid in flows, *_times(process)) for process in process_tree(worker)]
    return sum(ended + (own if is_flow else 0.0) for is_flow, own, ended in times)


def _backends(postmaster: int) -> Counter[str]:
    """PostgreSQL's time by database; a backend names its database in its title (`postgres: user database …`)."""
    spent: Counter[str] = Counter()
    for process in process_tree(postmaster)[1:]:
        with suppress(psutil.NoSuchProcess):  # it has ended since; its time is its parent's now
            words = " ".join(process.cmdline()).split()
            name = words[2] if len(words) > 2 and words[2] in {"prefect", "ledger"} else ""
            if name:
                spent[f"postgres: {name}"] += sum(_times(process))  # type: ignore[assignment]  # a Counter counts floats too
    return spent


def _times(process: psutil.Process) -> tuple[float, float]:
    """A process's own time, and that of its ended children."""
    with suppress(psutil.NoSuchProcess):  # it has ended since; its time is its parent's now
        times = process.cpu_times()
        return times.user + times.system, times.children_user + times.children_system
    return 0.0, 0.0
