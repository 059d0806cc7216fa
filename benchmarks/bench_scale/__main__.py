"""`make bench-scale`: two hosts on one pool, with one Prefect server and with two on Redis, PostgreSQL over TCP.

All of it runs on this machine's cores, so a second host can at most use what the first leaves idle: the ratios tell
that hosts share one pool and what sharing costs, not what more cores would give. CPU seconds by part tell that; the
arithmetic is in docs/scaling.md.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.bench.material import Receipts
from benchmarks.bench.parts import Figures
from benchmarks.bench_scale.cluster import PORTS, namespace
from benchmarks.bench_scale.measures import lost_host, once_each, rate, wake_up
from benchmarks.bench_scale.redis_server import require_redis
from benchmarks.bench_scale.site import running
from benchmarks.chaos.rig import free_ports
from deployments.stack.settings import StackSettings


def main() -> None:
    """Measure, print, write."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench-scale: stopped"))  # what was started is stopped too
    if "two_servers" in options.only:
        require_redis()
    figures: Figures = {"process_namespaces": bool(namespace())}
    with tempfile.TemporaryDirectory(prefix="receiptflow-scale-") as folder:
        for name in options.only:
            _say(f"starting: {name}")
            settings = StackSettings(data_dir=Path(folder) / name, port=options.port or free_ports(PORTS))
            figures[name] = _measure(
                settings, Receipts(Path(folder) / "samples"), options, shared=name == "two_servers"
            )
            _say(json.dumps(figures[name]))
    if {"one_server", "two_servers"} <= figures.keys():
        figures["ratios"] = _ratios(figures)
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    wrong = [name for name in options.only if not _once(figures[name]["once_each"])]
    if wrong:
        sys.exit(f"bench-scale: not every receipt was worked on once: {', '.join(wrong)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--receipts", type=int, default=30, help="in each measurement")
    parser.add_argument("--only", type=lambda text: text.split(","), default=["one_server", "two_servers"])
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--port", type=int, help="first of the ports; default: any that are free")
    return parser.parse_args()


def _measure(settings: StackSettings, receipts: Receipts, options: argparse.Namespace, *, shared: bool) -> Figures:
    """One host, then two: the second joins through the other server if there is one."""
    with running(settings, shared=shared) as site:
        site.join("a", server="a", processes=1)
        one = rate(site, receipts, options.receipts, hosts=1)
        site.join("b", server="b" if shared else "a", processes=1)
        two = rate(site, receipts, options.receipts, hosts=2)
        figures = {
            "one_host": one,
            "two_hosts": two,
            "hosts_ratio": two["receipts_per_second"] / one["receipts_per_second"],
            "started_after_seconds": wake_up(site, receipts, singles=8),
            "once_each": once_each(site),
        }
        return {**figures, "lost_host": lost_host(site, receipts)}


def _ratios(figures: Figures) -> dict[str, float]:
    """What a second host gives, and what the second server with Redis costs or gives, all on the same cores."""
    one, two = figures["one_server"], figures["two_servers"]
    return {
        "two_hosts_over_one": one["hosts_ratio"],
        "two_hosts_over_one_with_two_servers": two["hosts_ratio"],
        "two_servers_over_one_with_two_hosts": two["two_hosts"]["receipts_per_second"]
        / one["two_hosts"]["receipts_per_second"],
    }


def _once(counts: dict[str, int]) -> bool:
    return not (counts["not_processed"] or counts["begun_again"] or counts["read_twice"])


def _say(line: str) -> None:
    sys.stderr.write(f"bench-scale: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
