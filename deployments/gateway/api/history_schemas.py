"""What is told of a receipt beside decisions: its history, its words, and checks over values that are not kept."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from pydantic import Field, JsonValue

from deployments.gateway.api.decision_schemas import CORRECTIONS, Wanted
from deployments.gateway.api.schemas import Answer
from flows.domain.fields import Check, Page


class HistoryEntry(Answer):
    """One thing that happened to a receipt."""

    at: dt.datetime
    what: str = Field(description="`state`, `correction`, or what a person did.", examples=["correction"])
    who: str | None
    via: str | None
    part: int
    field: str | None
    before: JsonValue
    after: JsonValue
    machine: JsonValue = Field(description="What had been read.")
    taken_back: bool
    confirmed: bool = Field(description="A person said what had been read.")
    reason: str | None
    attempt: int | None
    flow_run_id: UUID | None


class History(Answer):
    """What happened to a receipt, oldest first."""

    items: list[HistoryEntry]


class Words(Answer):
    """The pages of a receipt as they were read."""

    engine: str
    engine_version: str
    pages: list[Page]


class ChecksRequest(Wanted):
    """Values that a person is about to give."""

    changes: dict[str, JsonValue] = CORRECTIONS


class Checks(Answer):
    """The receipt's arithmetic over those values."""

    checks: list[Check]
