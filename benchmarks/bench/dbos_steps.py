"""Four trivial steps on DBOS: what durable execution alone costs elsewhere. `python dbos_steps.py URL RUNS SINGLES`

Prints one line of JSON: runs a second through a queue that executes two at once, the median of one run at a time from
start to result, and this process's CPU seconds a run.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

from dbos import DBOS, DBOSConfig

_QUEUE = "bench"


@DBOS.step()
def step(number: int) -> int:
    """Nothing but its own record."""
    return number + 1


@DBOS.workflow()
def four_steps() -> int:
    """Four steps, one after another."""
    number = 0
    for _ in range(4):
        number = step(number)
    return number


def main() -> None:
    """Measure and print."""
    url, runs, singles = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    config: DBOSConfig = {"name": "bench", "system_database_url": url, "log_level": "ERROR"}
    DBOS(config=config)
    DBOS.launch()
    DBOS.register_queue(_QUEUE, worker_concurrency=2, polling_interval_sec=0.05)
    four_steps()
    cpu, began = time.process_time(), time.perf_counter()
    for handle in [DBOS.enqueue_workflow(_QUEUE, four_steps) for _ in range(runs)]:
        handle.get_result()
    lasted, spent = time.perf_counter() - began, time.process_time() - cpu
    waits = [_single() for _ in range(singles)]
    figures = {
        "runs_per_second": runs / lasted,
        "latency_p50_seconds": statistics.median(waits),
        "process_cpu_seconds": spent / runs,
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    DBOS.destroy()


def _single() -> float:
    began = time.perf_counter()
    four_steps()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
