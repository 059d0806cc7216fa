"""`make bench`: measures, prints the table with its targets, writes the JSON and the page that were asked for.

Parts run one after another on one stack and can be chosen: `--only throughput,latency`. What was measured is written
after each part, so that a later part's trouble costs none of it; `--add` keeps the figures that the JSON file has.

With `--base COMMIT` that commit is measured beside this code (`compare`): the table has both, the JSON this code's
headline figures and ratios, the base's under `base`, and all figures of both under `figures`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from benchmarks.bench.backlog import backlog
from benchmarks.bench.base import base_side, this_side
from benchmarks.bench.burst import burst
from benchmarks.bench.compare import OUTSIDE, PARTS, compared
from benchmarks.bench.cost import cost_table, headline
from benchmarks.bench.latency import latency
from benchmarks.bench.material import Receipts
from benchmarks.bench.outside import Outside
from benchmarks.bench.parts import Bench, Figures, Part
from benchmarks.bench.process_worker import process_worker
from benchmarks.bench.report import MEASURED, document, profile_table, table
from benchmarks.bench.sweep import sweep
from benchmarks.bench.system import System
from benchmarks.bench.throughput import throughput
from benchmarks.bench.trivial import trivial
from benchmarks.bench.two_workers import two_workers
from benchmarks.chaos.rig import free_ports
from benchmarks.machine import machine
from deployments.stack.settings import Ports

_PARTS: dict[str, Part] = {
    "throughput": throughput,
    "latency": latency,
    "workers": two_workers,
    "process": process_worker,
    "trivial": trivial,
    "backlog": backlog,
    "burst": burst,
    "sweep": sweep,
}
_ALL = (*_PARTS, *OUTSIDE)


def main() -> None:
    """Measure, print, write."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))  # the stack is stopped too
    failed = _compare(options) if options.base else _measure_this(options)
    if failed:
        sys.exit("bench: not measured: " + "; ".join(failed))


def _measure_this(options: argparse.Namespace) -> list[str]:
    """Measure this code; returns the parts that failed."""
    figures: Figures = json.loads(options.json.read_text()) if options.add and options.json else {}
    failed = _measure_outside(options, figures)
    if any(name in _PARTS for name in options.only):
        with tempfile.TemporaryDirectory(prefix="receiptflow-bench-") as folder:
            failed += _measure(Path(folder), options, figures)
    for text in (table(figures), cost_table(figures), profile_table(figures)):
        sys.stdout.write(text + "\n\n")
    if options.write and not failed:
        options.write.write_text(document(figures))
    return failed


def _compare(options: argparse.Namespace) -> list[str]:
    """Measure this code and the base in turns; returns the parts that failed, of either."""
    sides, failed = (this_side(), base_side(options.base)), list[str]()
    parts = [name for name in PARTS if name in options.only]
    turns = options.turns or (1 if options.quick else 2)

    def keep(figures: list[Figures]) -> None:
        now, base = figures
        if options.json:
            written = {**headline(now, base), "base": headline(base), "figures": {"this": now, "base": base}}
            options.json.write_text(json.dumps(written, indent=1) + "\n")

    now, base = compared(sides, parts, turns=turns, quick=options.quick, say=_say, failed=failed, keep=keep)
    sys.stdout.write(cost_table(now, base, (sides[0].commit, sides[1].commit)) + "\n")
    sys.stdout.write(json.dumps(headline(now, base)) + "\n")
    keep([now, base])
    return failed


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="some minutes instead of an hour or two")
    parser.add_argument("--only", type=_names, default=list(_ALL), help=f"some of {','.join(_ALL)}")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--add", action="store_true", help="add to the figures that the JSON file has")
    parser.add_argument("--write", type=Path, help="write the page there")
    parser.add_argument("--base", help=f"a commit to measure beside this code: {','.join(PARTS)}")
    parser.add_argument("--turns", type=int, help="how often both are measured with --base; 2, with --quick 1")
    parser.add_argument("--port", type=int, help="first of the stack's ports; default: any that are free")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(_ALL):
        raise argparse.ArgumentTypeError(f"there is no part {', '.join(sorted(unknown))}")
    return names


def _measure(folder: Path, options: argparse.Namespace, figures: Figures) -> list[str]:
    """Run the parts that share a stack; returns those that failed, with the cause."""
    failed: list[str] = []
    _say("starting the stack")
    with System(folder, options.port or free_ports(Ports.COUNT)) as system:
        bench = Bench(system, Receipts(folder / "samples"), options.quick, _say)
        with bench.closing:
            for name in options.only:
                if name in _PARTS:
                    _take(name, lambda part=_PARTS[name]: part(bench), options, figures, failed)  # type: ignore[misc]
    return failed


def _measure_outside(options: argparse.Namespace, figures: Figures) -> list[str]:
    """Run the parts that start stacks of their own; returns those that failed, with the cause."""
    failed: list[str] = []
    outside = Outside(quick=options.quick, say=_say, port=options.port)
    for name in options.only:
        if name in OUTSIDE:
            _take(name, lambda part=OUTSIDE[name]: part(outside), options, figures, failed)  # type: ignore[misc]
    return failed


def _take(
    name: str, part: Callable[[], Figures], options: argparse.Namespace, figures: Figures, failed: list[str]
) -> None:
    """Measure one part into `figures` and write them down; its cause into `failed` if it fails."""
    began, load = time.monotonic(), os.getloadavg()[0]
    try:
        figures.update(part())
        figures.setdefault(MEASURED, {})[name] = _note(began, load, options)
    except Exception as error:  # the other parts' figures are worth having
        failed.append(f"{name} ({type(error).__name__}: {error})")
        _say(traceback.format_exc())
    _say(f"{name}: {time.monotonic() - began:.0f} s")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def _note(began: float, load: float, options: argparse.Namespace) -> Figures:
    """When and where a part was measured, at what size, and how busy it was before (1 minute's load average)."""
    return {
        "at": f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M}",
        "size": "quick" if options.quick else "full",
        "seconds": round(time.monotonic() - began),
        "load_before": round(load, 1),
        "machine": machine(),
    }


def _say(line: str) -> None:
    sys.stderr.write(f"bench: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
