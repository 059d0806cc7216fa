"""Run it: `python -m benchmarks.growth --receipts 20000 --write docs/scaling.md`. Some 0.4 CPU-seconds a receipt."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.bench.system import System
from benchmarks.chaos.rig import free_ports
from benchmarks.growth.fill import fill, read_once
from benchmarks.growth.measures import prune, seconds, sizes
from benchmarks.growth.section import section, write
from deployments.stack.settings import Ports

_SECONDS_A_RECEIPT = 5.0


def main() -> None:
    """Fill, measure, prune, measure again, write."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench-growth: stopped"))  # the stack is stopped too
    with tempfile.TemporaryDirectory(prefix="receiptflow-growth-") as folder:
        figures = _measure(Path(folder), options)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    if options.write:
        write(figures, options.write)
    sys.stdout.write(section(figures) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.growth", description=__doc__)
    parser.add_argument("--receipts", type=int, default=20_000)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--write", type=Path, help="the page that the section is written into")
    return parser.parse_args()


def _measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    count = options.receipts
    with System(folder, free_ports(Ports.COUNT)) as system:
        os.environ.update(system.environment)
        model = read_once(folder / "samples")
        figures: dict[str, Any] = {"receipts": count, "empty_bytes": sizes(system)}
        _say(f"{count} receipts go in")
        began = time.monotonic()
        fill(system, model, count, seconds=600 + _SECONDS_A_RECEIPT * count)
        figures["filled_seconds"] = time.monotonic() - began
        _say(f"processed in {figures['filled_seconds']:.0f} s; measuring")
        time.sleep(_WRITTEN_SECONDS)
        figures |= {"bytes": sizes(system), "seconds": seconds(system, count)}
        figures["states"] = _states(system)
        _say("pruning")
        figures["prune_seconds"], figures["pruned"] = prune(system)
        figures |= {"pruned_bytes": sizes(system), "pruned_seconds": seconds(system, count)}
    return figures


_WRITTEN_SECONDS = 15.0  # what Prefect's server writes late


def _states(system: System) -> dict[str, int]:
    rows = system.database.execute("SELECT state, count(*) FROM receipts GROUP BY 1").fetchall()
    return {str(state): int(number) for state, number in rows}


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


if __name__ == "__main__":
    main()
