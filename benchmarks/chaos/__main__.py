"""Run it: `python -m benchmarks.chaos --seed 1 --faults 40 --receipts 60 --json out.json`.

Exit status 0 only if every promise held; the folder with all logs is kept otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

import psycopg
from rich.console import Console

from benchmarks.chaos.configure import configure
from benchmarks.chaos.deletions import content_left
from benchmarks.chaos.evidence import Evidence, look
from benchmarks.chaos.faults import CARDS as ALL_CARDS
from benchmarks.chaos.faults import Deck, Strike, Striker, moments
from benchmarks.chaos.material import Purchases, make_items
from benchmarks.chaos.operations import CARDS, LONG, Operations
from benchmarks.chaos.outside import Outside
from benchmarks.chaos.page import page
from benchmarks.chaos.report import print_verdict, write_json
from benchmarks.chaos.rig import Rig, free_ports
from benchmarks.chaos.second_host import missing
from benchmarks.chaos.sources import Feeder, make_gateway_key
from benchmarks.chaos.verdict import Verdict, judge
from benchmarks.stolen import StolenTime
from deployments.stack.settings import Ports

_CALM_SECONDS = 20.0
_LATE_EVENTS_SECONDS = 75.0
# The waiting ends when nothing has changed for so long, or after so long in all.
_STILL_SECONDS = 180.0
_SETTLE_SECONDS = 1800.0
_GOES_ON = {"RUNNING", "COMPLETED"}
_TOGETHER_SHARE = 0.35
_AGAIN_SHARE = 0.3

console = Console()


def main() -> int:
    """Faults, then quiet, then the verdict."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the stack is stopped
    folder = options.folder or Path(tempfile.mkdtemp(prefix="receiptflow-chaos-"))
    rig = Rig(folder, options.port or free_ports(Ports.COUNT))
    try:
        with StolenTime() as stolen, Outside() as outside:
            verdict = _run(rig, outside, options)
    finally:
        rig.stop()
    print_verdict(verdict, stolen, console)
    if options.json:
        write_json(verdict, options.json)
    if options.write:
        options.write.write_text(page(verdict, seed=options.seed, stolen_share=stolen.share()), encoding="utf-8")
    if verdict.held:
        shutil.rmtree(folder)
        return 0
    console.print(f"all logs and data are in {folder}", soft_wrap=True)
    return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, default=40)
    parser.add_argument("--receipts", type=int, default=60)
    parser.add_argument("--short", action="store_true", help="without the faults that take a minute or more")
    parser.add_argument("--only", action="append", help="deal only kinds whose name has these words; repeatable")
    parser.add_argument("--port", type=int, default=0, help="first of the stack's ports; free ones by default")
    parser.add_argument("--folder", type=Path, help="for data/ and logs, removed if all holds; a new one by default")
    parser.add_argument("--json", type=Path, help="write the counts there")
    parser.add_argument("--write", type=Path, help="write the page there")
    return parser.parse_args()


def _run(rig: Rig, outside: Outside, options: argparse.Namespace) -> Verdict:
    rng = random.Random(options.seed)
    items = make_items(options.receipts, rng)
    rig.start()
    os.environ.update(rig.environment)
    asyncio.run(configure(outside.url))
    key = make_gateway_key(rig.environment["RECEIPTFLOW_LEDGER_URL"]) if _has_gateway(rig) else None
    feeder = Feeder(rig, random.Random(options.seed + 1), items, key)
    purchases = Purchases(len(items) + 1, random.Random(options.seed + 2))
    operations = Operations(rig, feeder, purchases, random.Random(options.seed + 3), outside.url)
    striker = Striker(rig, rng, operations)
    try:
        _strike(feeder, striker, options)
    finally:
        operations.finish()
    feeder.finish()
    console.print(
        f"{len(items)} receipts handed in by {dict(feeder.used)}, {feeder.repeats} refusals; waiting for the rest"
    )
    evidence = _settle(rig, feeder)
    _await_deletions(operations)
    verdict = judge(evidence, feeder, operations, striker.strikes, outside.deliveries)
    verdict.content_left = content_left(rig, operations.deleted, evidence.receipts)
    verdict.discrepancies = _reconcile(rig, operations.taken_away)
    verdict.not_dealt = missing()
    return verdict


def _has_gateway(rig: Rig) -> bool:
    log = rig.settings.logs_dir / "gateway.log"
    return log.exists()


def _strike(feeder: Feeder, striker: Striker, options: argparse.Namespace) -> None:
    """Inject so many faults, receipts coming in all the while; now and then two at once, or one upon another."""
    rig, rng, faults = striker.rig, striker.rng, options.faults
    deck = Deck(rng, without=_left_out(options))
    waits, began = moments(rig, rng), time.time()
    while (done := len(striker.strikes)) < faults:
        feeder.release(4 + len(feeder.items) * (done + 1) // faults)
        striker.await_work()
        next(waits)
        cards = [deck.deal()]
        if cards[0][0] != "machine" and faults - done > 1 and rng.random() < _TOGETHER_SHARE:
            cards += filter(None, [deck.deal_beside(cards[0][0])])
        struck = striker.strike(*cards)
        for strike in struck:
            _tell(strike, began, len(striker.strikes), faults)
        if rng.random() >= _AGAIN_SHARE:
            _await_calm(rig, struck)


def _left_out(options: argparse.Namespace) -> set[tuple[str, str]]:
    """What is not asked for, takes too long for a short run, or cannot be done on this machine, which is said."""
    for kind, reason in missing().items():
        console.print(f"not dealt: {kind}: {reason}", soft_wrap=True)
    unable = {card for card in CARDS if " ".join(card) in missing()}
    unwanted = {
        card
        for card in (*ALL_CARDS, *CARDS)
        if options.only and not any(words in " ".join(card) for words in options.only)
    }
    return unable | unwanted | (LONG if options.short else set())


def _tell(strike: Strike, began: float, done: int, faults: int) -> None:
    hit = f", {len(strike.interrupted)} runs interrupted" if strike.interrupted else ""
    took = f" at {strike.at - began:.0f} s, back after {strike.back - strike.at:.1f} s"
    console.print(f"{done}/{faults} {strike.kind}{hit}{took} {strike.trouble}", soft_wrap=True, highlight=False)


def _await_calm(rig: Rig, struck: list[Strike]) -> None:
    """Give the runs that were interrupted the time to be running again, and servers to have helped somebody on."""
    runs = [run for strike in struck for run in strike.interrupted]
    since, deadline = struck[-1].at, time.monotonic() + _CALM_SECONDS
    while runs and time.monotonic() < deadline:
        try:
            states = look(rig).run_states
        except psycopg.Error:
            states = {}
        runs = [run for run in runs if not any(at > since and kind in _GOES_ON for at, kind, _ in states.get(run, []))]
        time.sleep(0.5)


def _settle(rig: Rig, feeder: Feeder) -> Evidence:
    """Wait until everything is done, or nothing moves any more."""
    end, moved, before = time.monotonic() + _SETTLE_SECONDS, time.monotonic(), None
    while True:
        evidence = look(rig)
        signs = (len(evidence.executions), len(evidence.changes))
        if signs != before:
            before, moved = signs, time.monotonic()
        if not evidence.unfinished and feeder.accepted <= {(one["key"], one["etag"]) for one in evidence.receipts}:
            feeder.stop_sweeping()  # so that none is cut off
        opened = evidence.unfinished or evidence.unsent or evidence.open_tasks or evidence.open_runs
        if not opened or time.monotonic() > min(end, moved + _STILL_SECONDS):
            return evidence
        time.sleep(2.0)


def _await_deletions(operations: Operations) -> None:
    """Until what Prefect wrote late of a deleted receipt has been removed as well, as docs/durability.md says."""
    ends = [one.at + _LATE_EVENTS_SECONDS - time.monotonic() for one in operations.deleted]
    time.sleep(max(0.0, *ends, 0.0))


def _reconcile(rig: Rig, taken_away: Collection[str]) -> list[str]:
    """What `receiptflow reconcile` says at the end, a line a discrepancy, but of originals that were taken away."""
    program = str(Path(sys.executable).with_name("receiptflow"))
    command = [program, "reconcile", "--json", "--data", str(rig.settings.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        return done.stderr.splitlines()
    found: list[dict[str, str]] = json.loads(done.stdout)["discrepancies"]
    return [f"{one['kind']}: {one['subject']}: {one['words']}" for one in found if one["subject"] not in taken_away]


if __name__ == "__main__":
    sys.exit(main())
