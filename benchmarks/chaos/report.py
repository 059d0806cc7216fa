"""A verdict as one JSON object, and as one table with every broken promise by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.chaos.resumption import Resumption, bound_of, percentile
from benchmarks.chaos.verdict import COUNTED, Verdict
from benchmarks.stolen import StolenTime

_JSON = {"unnotified": "untold"}


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The shape that `JSON=<file>` promises."""
    return {
        "receipts": verdict.receipts,
        "faults": dict(sorted(verdict.faults.items())),
        **{_JSON.get(name, name): len(getattr(verdict, name)) for name in COUNTED},
        "resume_seconds": {kind: summary(seconds) for kind, seconds in verdict.resume.items()},
    }


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and the longest, in seconds."""
    return {
        "p50": round(percentile(seconds, 50), 2),
        "p95": round(percentile(seconds, 95), 2),
        "max": round(max(seconds), 2),
    }


def write_json(verdict: Verdict, path: Path) -> None:
    """Write the counts to a file."""
    path.write_text(json.dumps(as_json(verdict), indent=2) + "\n")


def counts(verdict: Verdict) -> dict[str, int]:
    """What was done and what was found, by name."""
    return {
        "receipts": verdict.receipts,
        "faults": sum(verdict.faults.values()),
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "steps executed again": len(verdict.reexecuted),
        "notifications doubled": len(verdict.notified_twice),
        "notifications repeated under their id": verdict.repeats,
        "owners not notified": len(verdict.unnotified),
        "deleted receipts that came back": len(verdict.resurrected),
        "decisions lost": len(verdict.corrections_lost),
        "places where content of deleted receipts was left": len(verdict.content_left),
        "left over": len(verdict.left_over),
        "discrepancies": len(verdict.discrepancies),
    }


def print_verdict(verdict: Verdict, stolen: StolenTime, console: Console) -> None:
    """The one table, then every broken promise by name."""
    table = Table("", "count", title="chaos", title_justify="left")
    for name, count in counts(verdict).items():
        table.add_row(name, str(count))
    table.add_row("CPU time that the hypervisor took", f"{stolen.share():.0%}")
    console.print(table)
    _print_resumes(verdict, console)
    named = {
        **{name: getattr(verdict, name) for name in COUNTED},
        "trouble": verdict.troubles,
        "discrepancy": verdict.discrepancies,
        "late": [line for kind in verdict.late for line in _late_lines(kind, verdict.resumed[kind], stolen)],
    }
    for name, entries in named.items():
        for entry in entries:
            console.print(f"{name}: {entry}", soft_wrap=True, markup=False, highlight=False)


def _late_lines(kind: str, resumed: Sequence[Resumption], stolen: StolenTime) -> list[str]:
    """Each resumption beyond the bound, with the part of the CPU time that this machine did not get meanwhile."""
    bound = bound_of(kind)
    return [
        f"{kind}: {one.seconds:.1f} s, over {bound:.0f} s;"
        f" the hypervisor took {stolen.share(one.since, one.since + one.seconds):.0%} of the CPU time"
        for one in resumed
        if one.seconds > bound
    ]


def _print_resumes(verdict: Verdict, console: Console) -> None:
    table = Table("fault", "count", "resumed", "p50 s", "p95 s", "max s", title_justify="left")
    for kind, count in sorted(verdict.faults.items()):
        seconds = verdict.resume.get(kind, [])
        cells = [f"{value:.1f}" for value in summary(seconds).values()] if seconds else ["", "", ""]
        table.add_row(kind, str(count), str(len(seconds)), *cells)
    console.print(table)
