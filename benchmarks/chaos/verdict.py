"""Whether the promises held: counted from the evidence, printed as one table, written as one JSON object."""

from __future__ import annotations

import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.chaos.deletions import resurrected
from benchmarks.chaos.evidence import Evidence, Execution
from benchmarks.chaos.faults import OF_WORKER, Strike
from benchmarks.chaos.operations import Operations
from benchmarks.chaos.outside import Delivery
from benchmarks.chaos.sources import Feeder
from benchmarks.stolen import StolenTime

FLOW_BOUND_SECONDS = 5.0
SERVER_BOUND_SECONDS = 30.0
# Each is a list in the verdict, and a count in its JSON.
_COUNTED = (
    *("lost", "doubled", "reexecuted", "notified_twice", "unnotified", "resurrected", "content_left", "left_over"),
    "corrections_lost",
)
_JSON = {"unnotified": "untold"}
_PROMISES = (*_COUNTED, "discrepancies")
# Strikes of one moment begin within this time of each other.
_TOGETHER_SECONDS = 0.5


@dataclass(frozen=True, order=True)
class Resumption:
    """How long work took to go on. `since` (Unix seconds) is when what was struck was back."""

    seconds: float
    since: float


@dataclass
class Verdict:
    """The counts of one chaos run.

    `unnotified` are final receipts whose owner was never notified, `resurrected` and `content_left` what came back or
    stayed of deleted ones, `corrections_lost` what a person was told is booked and is not. `discrepancies` is what
    `receiptflow reconcile` found at the end, `not_dealt` which faults this machine cannot have, and why.
    """

    receipts: int
    faults: Counter[str]
    lost: list[str]
    doubled: list[str]
    reexecuted: list[str]
    notified_twice: list[str]
    left_over: list[str]
    resumed: dict[str, list[Resumption]]
    troubles: list[str]
    unnotified: list[str] = field(default_factory=list)
    resurrected: list[str] = field(default_factory=list)
    content_left: list[str] = field(default_factory=list)
    corrections_lost: list[str] = field(default_factory=list)
    discrepancies: list[str] = field(default_factory=list)
    repeats: int = 0
    not_dealt: dict[str, str] = field(default_factory=dict)

    @property
    def resume(self) -> dict[str, list[float]]:
        """Seconds until work went on, by kind of fault."""
        return {kind: [one.seconds for one in found] for kind, found in self.resumed.items()}

    @property
    def late(self) -> list[str]:
        """Kinds whose resumption took longer than promised at the 95th percentile."""
        return [kind for kind, seconds in self.resume.items() if percentile(seconds, 95) > bound_of(kind)]

    @property
    def held(self) -> bool:
        """Whether every promise was kept."""
        broken = (getattr(self, name) for name in _PROMISES)
        return not any(broken) and not self.late and not self.troubles


def bound_of(kind: str) -> float:
    """The longest time, in seconds, in which work goes on after a fault of this kind."""
    part, _, _ = kind.partition(" ")
    return FLOW_BOUND_SECONDS if part in OF_WORKER else SERVER_BOUND_SECONDS


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which so many percent lie, interpolated."""
    return values[0] if len(values) == 1 else statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def judge(
    evidence: Evidence,
    feeder: Feeder,
    operations: Operations,
    strikes: Sequence[Strike],
    deliveries: Sequence[Delivery],
) -> Verdict:
    """Compare what was accepted with what became of it."""
    return Verdict(
        receipts=len(feeder.accepted) + len(feeder.posted),
        faults=Counter(strike.kind for strike in strikes),
        lost=_lost(evidence, feeder),
        doubled=_doubled(evidence) + _booked_twice(evidence, operations.twins),
        reexecuted=reexecuted(evidence.executions),
        notified_twice=notified_twice(evidence, deliveries),
        left_over=_left_over(evidence),
        resumed=resumptions(evidence, strikes),
        troubles=[f"{strike.kind}: {strike.trouble}" for strike in strikes if strike.trouble],
        unnotified=unnotified(evidence, deliveries),
        resurrected=resurrected(evidence.receipts, operations.deleted),
        corrections_lost=corrections_lost(evidence, operations.decided),
        repeats=len(deliveries) - len({delivery.delivery_id for delivery in deliveries}),
    )


def corrections_lost(evidence: Evidence, decided: Mapping[str, str | None]) -> list[str]:
    """Receipts that are booked otherwise than the person was answered who decided on them last."""
    found = ((receipt_id, name, evidence.booked.get(receipt_id)) for receipt_id, name in decided.items())
    return [
        f"receipt {receipt_id}: {name} was decided, {booked} is booked"
        for receipt_id, name, booked in found
        if name != booked
    ]


def _lost(evidence: Evidence, feeder: Feeder) -> list[str]:
    """Accepted objects, or contents, that did not reach a final state."""
    final = [receipt for receipt in evidence.receipts if receipt["finished_at"]]
    objects, ids = {(receipt["key"], receipt["etag"]) for receipt in final}, {str(one["id"]) for one in final}
    contents = {receipt["sha256"] for receipt in final}
    return [
        *(f"object {key}" for key, etag in feeder.accepted if (key, etag) not in objects),
        *(f"receipt {one}" for one in feeder.posted if one not in ids),
        *(f"content {sha256}" for sha256 in feeder.contents - contents),
    ]


def _doubled(evidence: Evidence) -> list[str]:
    """Contents with more than one expense, or read for more than one receipt."""
    readers = Counter(
        receipt["sha256"] for receipt in evidence.receipts if receipt["sha256"] and receipt["state"] != "duplicate"
    )
    expensed = Counter(receipt["sha256"] for receipt in evidence.receipts if receipt["state"] == "expensed")
    twice = {sha256 for counts in (readers, evidence.expenses) for sha256, count in counts.items() if count > 1}
    twice |= {sha256 for sha256 in expensed | evidence.expenses if expensed[sha256] != evidence.expenses[sha256]}
    return sorted(f"content {sha256}" for sha256 in twice)


def _booked_twice(evidence: Evidence, twins: Sequence[tuple[str, str]]) -> list[str]:
    """Purchases that were photographed twice and have two expenses."""
    return [f"purchase {pair[0]} and {pair[1]}" for pair in twins if sum(evidence.expenses[one] for one in pair) > 1]


def unnotified(evidence: Evidence, deliveries: Sequence[Delivery]) -> list[str]:
    """Receipts that ended, and of which nothing arrived outside.

    Nobody is told of a duplicate, nor of a receipt whose object was replaced or deleted before it was read.
    """
    told = Counter(delivery.subject.rpartition(": ")[2] for delivery in deliveries)
    due = (one for one in evidence.receipts if one["finished_at"] and one["state"] != "duplicate")
    by_key = Counter(one["key"] for one in due if one["reason_code"] != "superseded")
    return [f"{key}: {told[key]} of {count} told" for key, count in by_key.items() if told[key] < count]


def reexecuted(executions: Sequence[Execution]) -> list[str]:
    """Steps that started again after their result was durable, but those that the ledger's fence kept from it."""
    fenced = Counter((one.step, one.subject, one.version, one.pid) for one in executions if one.event == "fenced")
    durable: set[tuple[str, str, str]] = set()
    again = []
    for one in executions:
        name = (one.step, one.subject, one.version)
        if one.event == "durable":
            durable.add(name)
        elif one.event == "started" and name in durable:
            if fenced[(*name, one.pid)]:
                fenced[(*name, one.pid)] -= 1
            else:
                again.append(f"{one.step} of {one.subject}")
    return again


def notified_twice(evidence: Evidence, deliveries: Sequence[Delivery]) -> list[str]:
    """Notifications with a second delivery id, or sent again after they were noted as sent.

    A repeat of the same id after a send that was cut off before it could be noted is not one: the receiver drops it.
    Nor is the only delivery of an id, whenever that was noted: the second host's clock may be slow.
    """
    noted = {one.subject: one.at for one in evidence.executions if (one.step, one.event) == ("notify_owner", "durable")}
    ids: dict[str, set[str]] = defaultdict(set)
    again, arrived = [], set()
    for one in deliveries:
        ids[one.subject].add(one.delivery_id)
        if one.delivery_id in arrived and one.at > noted.get(one.delivery_id, one.at):
            again.append(one.delivery_id)
        arrived.add(one.delivery_id)
    several = [subject for subject, found in ids.items() if len(found) > _versions(evidence, subject)]
    return [*(f"delivery {one} sent again" for one in again), *(f"{subject}: several ids" for subject in several)]


def _versions(evidence: Evidence, subject: str) -> int:
    """How many receipts a message's subject, which ends in the key, can be about."""
    return max(1, sum(subject.endswith(f": {receipt['key']}") for receipt in evidence.receipts))


def _left_over(evidence: Evidence) -> list[str]:
    return [
        *(f"receipt {one['key']} is {one['state']}" for one in evidence.unfinished),
        *(f"flow run {one['name']} ({one['id']}) is {one['state_name']}" for one in evidence.open_runs),
        *(f"task run {one['name']} ({one['id']}) is {one['state_name']}" for one in evidence.open_tasks),
        *(f"notification {one['id']} is {one['state']}" for one in evidence.unsent),
    ]


def resumptions(evidence: Evidence, strikes: Sequence[Strike]) -> dict[str, list[Resumption]]:
    """When work went on, by kind of fault.

    A run struck again before it resumed counts for the last strike, and one that had to wait for a server as well
    counts for that server: it cannot go on before.
    """
    found: dict[str, list[Resumption]] = defaultdict(list)
    ordered = sorted(strikes, key=lambda strike: strike.at)
    for number, strike in enumerate(ordered):
        later = (one.at for one in ordered[number + 1 :] if one.at > strike.at + _TOGETHER_SECONDS)
        until = min(later, default=float("inf"))
        last = _back_last(strike, ordered)
        since, kind = last.back, last.kind if last.is_server else strike.kind
        after = _progress(evidence, since) if strike.is_server else _resumptions(evidence, strike)
        found[kind].extend(Resumption(moment - since, since) for moment in after if since <= moment < until)
    return {kind: sorted(one) for kind, one in sorted(found.items()) if one}


def _back_last(strike: Strike, strikes: Sequence[Strike]) -> Strike:
    """What was back last of what was hit and whatever else was down at that moment or struck together with it."""
    others = (one for one in strikes if one.at < strike.at + _TOGETHER_SECONDS and one.back > strike.at)
    return max([strike, *others], key=lambda one: one.back)


def _resumptions(evidence: Evidence, strike: Strike) -> list[float]:
    """When each interrupted run was running again."""
    again = []
    for run in strike.interrupted:
        states = evidence.run_states.get(run, [])
        running = [at for at, kind, _ in states if kind == "RUNNING" and at > strike.at]
        again.extend(running[:1])
    return again


def _progress(evidence: Evidence, since: float) -> list[float]:
    """When something went on, if anything was there to go on with: a step, a receipt's state or a run."""
    work = any(
        one["received_at"].timestamp() < since and not (one["finished_at"] and _ended(one) < since)
        for one in evidence.receipts
    )
    runs = (at for states in evidence.run_states.values() for at, kind, _ in states if kind == "RUNNING")
    moments = [*(one.at for one in evidence.executions), *evidence.changes, *runs]
    first = min((moment for moment in moments if moment > since), default=None)
    return [first] if work and first is not None else []


def _ended(receipt: dict[str, Any]) -> float:
    return float(receipt["finished_at"].timestamp())


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The shape that `JSON=<file>` promises."""
    return {
        "receipts": verdict.receipts,
        "faults": dict(sorted(verdict.faults.items())),
        **{_JSON.get(name, name): len(getattr(verdict, name)) for name in _COUNTED},
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
        **{name: getattr(verdict, name) for name in _COUNTED},
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
