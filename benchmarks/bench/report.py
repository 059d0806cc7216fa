"""The figures as a table with targets, as JSON, and as the page docs/performance.md."""

from __future__ import annotations

from typing import Any

from benchmarks.bench.cost import cost_table, shown

Figures = dict[str, Any]

_TARGETS = {
    "efficiency": "≥ 0.8",
    "overhead_cpu_seconds": "≤ 0.25",
    "latency_overhead_seconds": "≤ 0.4 / ≤ 0.8",
    "backlog_ratio": "≥ 0.95",
    "sweep_100k_seconds": "≤ 30",
    "sweep_100k_rss_mb": "≤ 200",
    "two_workers_ratio": "≥ 1.6",
}
_MEANINGS = {
    "efficiency": "receipts/s of the whole system ÷ of a bare loop of the same OCR and parse",
    "overhead_cpu_seconds": "CPU seconds a receipt of everything but OCR and parse",
    "latency_overhead_seconds": "upload acknowledged → processed, less OCR and parse, p50 / p95, seconds",
    "backlog_ratio": "throughput of the last tenth of a backlog ÷ of the first",
    "sweep_100k_seconds": "a sweep of 100,000 known objects, seconds",
    "sweep_100k_rss_mb": "its peak memory, MB",
    "two_workers_ratio": "throughput of two worker processes ÷ of one, servers on the same cores",
}
_PROFILE = "profile_cpu_seconds"
MEASURED = "measured"


def table(figures: Figures) -> str:
    """The figures of the targets as Markdown, Prefect's process worker beside them."""
    process = figures.get("process_worker", {})
    rows = ["| | measured | target | Prefect's process worker |", "|---|---|---|---|"]
    for name, target in _TARGETS.items():
        if name in figures:
            rows.append(f"| {_MEANINGS[name]} | {shown(figures[name])} | {target} | {shown(process.get(name))} |")
    return "\n".join(rows)


def profile_table(figures: Figures) -> str:
    """CPU seconds of one receipt by part."""
    parts = figures.get(_PROFILE, {})
    total = sum(parts.values())
    rows = ["| part | CPU seconds a receipt | share |", "|---|---|---|"]
    rows += [f"| {name} | {seconds:.3f} | {seconds / total:.0%} |" for name, seconds in parts.items()]
    return "\n".join(rows)


def details_table(figures: Figures) -> str:
    """Everything else that was measured, one row a figure."""
    rows = ["| figure | value |", "|---|---|"]
    for name, value in figures.items():
        if name in _TARGETS or name in {_PROFILE, MEASURED}:
            continue
        for label, part in _flat(name, value):
            rows.append(f"| {label} | {part} |")
    return "\n".join(rows)


def _flat(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for key, part in value.items() for pair in _flat(f"{name}: {key}", part)]
    if isinstance(value, list):
        return [(name, ", ".join(shown(one) for one in value))]
    return [(name, shown(value))]


def parts_table(figures: Figures) -> str:
    """When, on which machine and at what size each part was measured."""
    rows = ["| part | measured (UTC) | size | seconds | load average before | machine |", "|---|---|---|---|---|---|"]
    for name, note in figures.get(MEASURED, {}).items():
        cells = (name, *(note.get(key, "") for key in ("at", "size", "seconds", "load_before", "machine")))
        rows.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(rows)


def document(figures: Figures) -> str:
    """The page."""
    return f"""# Performance

Written by `make bench`; do not edit. Which part was measured when and on which machine stands [below](#parts).

{table(figures)}

## Method

One embedded stack (`receiptflow up`) in a fresh folder, asked from outside. Every comparison is made within this run,
so that the machine's own speed cancels out: rounds of the bare loop (as many processes as cores, models loaded, the
same pictures) take turns with bursts through the upload API, in which each receipt has its own flow run. The bare
loop's rate is raised by the share of the cores that the idle stack takes meanwhile. OCR and parse inside the system
are taken from the steps' own notes (CPU of their thread; wall time for the latencies) and subtracted receipt by
receipt; CPU is that of all processes of the stack, ended ones included. Prefect's process worker runs the same flow in
a work pool of its own on the same stack. Each part is described in its module in `benchmarks/bench/`.

## What it costs to run

{cost_table(figures)}

A start is measured from the command to its last line before "Ctrl-C stops everything", pages from the command to the
first answer, which says what is starting, and to the first that can be used; used is a data folder that this code has
provisioned before. Memory is PSS, in which a page that several processes share is counted once. Idle is eleven minutes
after the last receipt, when no process holds OCR's models any more.

`make bench BASE=97f9a5a` prints the same table for that commit and this one, measured in turns in one run, with the
ratios. The worktree of that commit, with its environment, stays in `build/base/`.

## One receipt's way by part

{profile_table(figures)}

`worker: flow runs` is what the flow's processes do beside OCR and parse, `worker` is polling, claiming and watching;
`postgres` is its background processes.

## Parts

{parts_table(figures)}

A machine that was busy before with something else (load average well above 0.5) gives worse figures than a quiet one,
ratios included: the stack's worker and the bare loop do not suffer alike.

## All figures

{details_table(figures)}
"""
