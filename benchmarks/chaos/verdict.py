"""Whether the promises held, counted from the evidence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.chaos.deletions import resurrected
from benchmarks.chaos.evidence import Evidence, Execution
from benchmarks.chaos.faults import Strike
from benchmarks.chaos.operations import Operations
from benchmarks.chaos.outside import Delivery
from benchmarks.chaos.resumption import Resumption, bound_of, percentile, resumptions
from benchmarks.chaos.sources import Feeder

# Each is a list in the verdict, and a count in its JSON.
COUNTED = (
    *("lost", "doubled", "reexecuted", "notified_twice", "unnotified", "resurrected", "content_left", "left_over"),
    "corrections_lost",
)
_PROMISES = (*COUNTED, "discrepancies")


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
    """
    noted = {one.subject: one.at for one in evidence.executions if (one.step, one.event) == ("notify_owner", "durable")}
    ids: dict[str, set[str]] = defaultdict(set)
    for delivery in deliveries:
        ids[delivery.subject].add(delivery.delivery_id)
    again = [one.delivery_id for one in deliveries if one.at > noted.get(one.delivery_id, one.at)]
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
