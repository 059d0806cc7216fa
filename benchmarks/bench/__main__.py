"""`make bench`: prints the table of ratios and writes docs/performance.md and the JSON that was asked for.

Method: one embedded stack in a fresh folder. The bare loop reads the same pictures with the same engine in as many
processes as there are cores, models loaded; CPU seconds are those of all processes of the stack, ended ones included.
Figures of these runs are ratios within one run: the machine's own speed cancels out.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.bench.bare import measure_bare
from benchmarks.bench.material import batch
from benchmarks.bench.measures import measure_backlog, measure_latency, measure_sweep, measure_throughput
from benchmarks.bench.system import System, cores

_TARGETS = {
    "efficiency": "≥ 0.8",
    "overhead_cpu_seconds": "≤ 0.25",
    "latency_overhead_seconds": "≤ 0.4 / ≤ 0.8",
    "backlog_ratio": "≥ 0.95",
    "sweep_100k_seconds": "≤ 30",
    "sweep_100k_rss_mb": "≤ 200",
}


def measure(folder: Path, port: int, *, quick: bool) -> dict[str, Any]:
    """All measurements on one stack."""
    burst, singles, backlog, known = (40, 12, 200, 10_000) if quick else (200, 40, 1000, 100_000)
    samples = folder / "samples"
    bare = measure_bare(batch(samples, max(burst // 2, 20)), "auto", cores())
    with System(folder, port) as system:
        measure_throughput(system, samples, bare, 8)  # warm
        throughput = measure_throughput(system, samples, bare, burst)
        latency = measure_latency(system, samples, bare, singles)
        ratio, memory = measure_backlog(system, samples, backlog)
        seconds, megabytes = measure_sweep(system, known)
    return {
        "efficiency": throughput.efficiency,
        "overhead_cpu_seconds": throughput.overhead_cpu_seconds,
        "latency_overhead_seconds": latency,
        "backlog_ratio": ratio,
        "backlog_memory_ratio": memory,
        "sweep_100k_seconds": seconds * 100_000 / known,
        "sweep_100k_rss_mb": megabytes,
        "bare_receipts_per_second": bare.per_second,
        "bare_cpu_seconds": bare.cpu_seconds,
        "receipts_per_second": throughput.per_second,
        "sizes": {"burst": burst, "singles": singles, "backlog": backlog, "known_objects": known},
    }


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown, with the targets beside them."""
    rows = ["| | measured | target |", "|---|---|---|"]
    for name, value in figures.items():
        if name == "sizes":
            continue
        shown = " / ".join(f"{part:.3g}" for part in value.values()) if isinstance(value, dict) else f"{value:.3g}"
        rows.append(f"| {name} | {shown} | {_TARGETS.get(name, '')} |")
    return "\n".join(rows)


def document(figures: dict[str, Any]) -> str:
    """The page that docs/performance.md holds."""
    machine = f"{cores()} cores, {platform.machine()}, Linux {platform.release()}, Python {platform.python_version()}"
    sizes = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in figures["sizes"].items())
    return (
        "# Performance\n\nWritten by `make bench`; the method is in `benchmarks/bench/`.\n\n"
        f"{dt.datetime.now(dt.UTC).date()}, {machine}. Sizes: {sizes}.\n\n{table(figures)}\n"
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few minutes instead of an hour")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--write", type=Path, help="write the page there")
    parser.add_argument("--port", type=int, default=24_600)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="receiptflow-bench-") as folder:
        figures = measure(Path(folder), options.port, quick=options.quick)
    sys.stdout.write(table(figures) + "\n")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    if options.write:
        options.write.write_text(document(figures))


if __name__ == "__main__":
    main()
