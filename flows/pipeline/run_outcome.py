"""How a receipt's outcome appears in Prefect: a standard state, a tag and the run's name.

Prefect's pages filter, count and colour by the standard states' names and types, so a run ends in one of those: a
quarantined receipt's run is `Failed`, all others are `Completed`. What became of the receipt stands in the message,
and, unless it became an expense, in a tag and at the beginning of the run's name, which the lists show.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.ledger.schema import State as ReceiptState

ALREADY_RUNNING = "already running"
_EXPENSED = ReceiptState.EXPENSED.value
_TAGS = {name: name.replace(" ", "-") for name in (*ReceiptState, ALREADY_RUNNING) if name != _EXPENSED}


@dataclass(frozen=True)
class Outcome:
    """How a run ends.

    `name` is the receipt's state, or `ALREADY_RUNNING`; `message` says why or what, for people.
    """

    name: str
    message: str
    receipt_id: UUID


def in_words(outcome: Outcome) -> str:
    """The outcome on one line."""
    return f"{outcome.name.capitalize()}: {outcome.message}"


def final_state(outcome: Outcome) -> State[Any]:
    """The state in which a run of this outcome ends; a flow that returns it is not retried."""
    message = in_words(outcome)
    return Failed(message=message) if outcome.name == ReceiptState.QUARANTINED else Completed(message=message)


def name_of(outcome: Outcome, key: str) -> str:
    """What the run is called at its end: the key, behind the outcome where a person may have to act."""
    return key if outcome.name == _EXPENSED else f"{outcome.name}: {key}"


def tags_of(outcome: Outcome, tags: Collection[str]) -> set[str]:
    """The run's tags with the outcome's, and without those of an earlier outcome."""
    own = {_TAGS[outcome.name]} if outcome.name in _TAGS else set()
    return set(tags).difference(_TAGS.values()) | own


def receipt_tag(receipt_id: UUID) -> str:
    """The tag of a run that did nothing for a receipt, and by which it is found when the receipt is deleted."""
    return f"receipt:{receipt_id}"


async def label(flow_run_id: UUID, outcome: Outcome, key: str, tags: Collection[str], *, idle: bool = False) -> None:
    """Put the outcome into the run's name and tags; an expense's run has them as they are and costs no request.

    Args:
        flow_run_id: Which run.
        outcome: How it ends.
        key: Of the object.
        tags: The run's.
        idle: It began no attempt, so that the ledger does not know the run: it is tagged with the receipt.
    """
    name, wanted = name_of(outcome, key), tags_of(outcome, tags)
    if idle:
        wanted |= {receipt_tag(outcome.receipt_id)}
    if name == key and wanted == set(tags):
        return
    async with get_client() as client:
        await client.update_flow_run(flow_run_id, name=name, tags=wanted)
