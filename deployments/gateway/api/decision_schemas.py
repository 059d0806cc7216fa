"""What a person's decisions look like in the API: requests as they come, answers with what is booked now."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from deployments.gateway.api.schemas import STATE_WORDS, Answer, Expense, Receipt
from flows.domain.fields import BBox, Check
from flows.ledger.decisions import (
    MOST_PAGES,
    Book,
    Decided,
    Decision,
    Dismiss,
    Join,
    QueuedReceipt,
    ReviewItem,
    Split,
    Undo,
)
from flows.ledger.schema import DismissReason, State

_LONGEST_REASON = 500
MOST_DECISIONS = 1000
_SEEN = Field(
    default=None,
    description="`updated_at` of the receipt that you have looked at: refused (409) if it has changed since.",
)
CORRECTIONS: Any = Field(
    default={},
    description="Values by field (`total`, `purchase_date`, `line_items/1/total` …); null empties a field.",
    examples=[{"total": "19.46", "merchant": "Café Central"}],
)
_TAKE_BACK: Any = Field(
    default=[], max_length=200, description="Fields whose correction ends: what was read counts again."
)
_KEEP_BOTH = Field(default=False, description="It is another purchase than the one that it looks like.")


class Wanted(BaseModel):
    """Base of the requests."""

    model_config = ConfigDict(extra="forbid")


class BookRequest(Wanted):
    """It is an expense."""

    decision: Literal["book"]
    corrections: dict[str, JsonValue] = CORRECTIONS
    take_back: list[str] = _TAKE_BACK
    keep_both: bool = _KEEP_BOTH
    seen: AwareDatetime | None = _SEEN

    def wanted(self) -> Decision:
        """As the ledger takes it."""
        return Book(self.corrections, self.take_back, self.keep_both)


class DismissRequest(Wanted):
    """It is no expense."""

    decision: Literal["dismiss"]
    reason: DismissReason
    duplicate_of: UUID | None = Field(default=None, description="The receipt that it repeats, for that reason.")
    seen: AwareDatetime | None = _SEEN

    def wanted(self) -> Decision:
        """As the ledger takes it."""
        return Dismiss(self.reason, self.duplicate_of)


class SplitRequest(Wanted):
    """One picture of several receipts."""

    decision: Literal["split"]
    parts: list[dict[str, JsonValue]] = Field(
        description="Values by field of each receipt; each needs its total.",
        examples=[[{"total": "7.50"}, {"total": "5.00", "merchant": "Bäckerei"}]],
    )
    keep_both: bool = _KEEP_BOTH
    seen: AwareDatetime | None = _SEEN

    def wanted(self) -> Decision:
        """As the ledger takes it."""
        return Split(self.parts, self.keep_both)


class JoinRequest(Wanted):
    """Several pictures of one receipt: this one has the expense, the others are its further pages."""

    decision: Literal["join"]
    pages: list[UUID] = Field(min_length=1, max_length=MOST_PAGES, description="The other receipts, in their order.")
    corrections: dict[str, JsonValue] = CORRECTIONS
    keep_both: bool = _KEEP_BOTH
    seen: AwareDatetime | None = _SEEN

    def wanted(self) -> Decision:
        """As the ledger takes it."""
        return Join(self.pages, self.corrections, self.keep_both)


class UndoRequest(Wanted):
    """The last decision was wrong."""

    decision: Literal["undo"]
    seen: AwareDatetime | None = _SEEN

    def wanted(self) -> Decision:
        """As the ledger takes it."""
        return Undo()


DecisionRequest = Annotated[
    BookRequest | DismissRequest | SplitRequest | JoinRequest | UndoRequest, Field(discriminator="decision")
]


class DecisionOfOne(Wanted):
    """One of many decisions."""

    receipt_id: UUID
    decision: DecisionRequest


class DecisionsRequest(Wanted):
    """Decisions on several receipts; each is made by itself."""

    decisions: list[DecisionOfOne] = Field(min_length=1, max_length=MOST_DECISIONS)


class CorrectionRequest(Wanted):
    """What an expense is to say."""

    corrections: dict[str, JsonValue] = CORRECTIONS
    take_back: list[str] = _TAKE_BACK
    reason: str | None = Field(default=None, max_length=_LONGEST_REASON, description="Why, for the history.")
    seen: int | None = Field(default=None, description="The revision that you have looked at: refused (409) if older.")


class VoidRequest(Wanted):
    """Why an expense is to count no more."""

    reason: str = Field(min_length=1, max_length=_LONGEST_REASON)
    seen: int | None = Field(default=None, description="The revision that you have looked at: refused (409) if older.")


class DecidedAnswer(Answer):
    """How a receipt stands after a decision."""

    receipt_id: UUID
    state: State
    in_words: str
    changed: bool = Field(description="False where it stood so before.")
    updated_at: dt.datetime
    expenses: list[Expense]

    @classmethod
    def of(cls, decided: Decided) -> DecidedAnswer:
        """The answer for one decision."""
        return cls(
            receipt_id=decided.receipt_id,
            state=decided.state,
            in_words=STATE_WORDS[decided.state],
            changed=decided.changed,
            updated_at=decided.updated_at,
            expenses=[Expense.model_validate(expense) for expense in decided.expenses],
        )


class DecisionResult(Answer):
    """What became of one of many decisions: made, or refused with the status and detail that it would have alone."""

    receipt_id: UUID
    status: int = Field(examples=[200])
    detail: str | None
    decided: DecidedAnswer | None


class DecisionResults(Answer):
    """The decisions in their order."""

    results: list[DecisionResult]


class QueuedAnswer(Answer):
    """One receipt that waits for a person, with what was read."""

    receipt_id: UUID = Field(validation_alias="id")
    key: str
    received_at: dt.datetime
    updated_at: dt.datetime = Field(description="Give it as `seen` with your decision.")
    reason_code: str | None = Field(examples=["unsure"])
    reason: str | None
    same_purchase_as: UUID | None
    merchant: str | None
    purchase_date: str | None
    total: str | None
    currency: str | None


class QueuePage(Answer):
    """Some of the receipts that wait for a person, the one received first at the front."""

    items: list[QueuedAnswer]
    next: str | None = Field(description="Give it as `after` for the next page; null on the last one.")

    @classmethod
    def of(cls, rows: tuple[QueuedReceipt, ...], following: str | None) -> QueuePage:
        """The answer for one page."""
        return cls(items=[QueuedAnswer.model_validate(row) for row in rows], next=following)


class Correction(Answer):
    """What a person set a field to, and what had been read then."""

    part: int
    field: str
    value: JsonValue
    before: JsonValue
    machine: JsonValue
    actor: str
    via: str
    reason: str | None
    at: dt.datetime


class ReadField(Answer):
    """One field: what counts, what was read and where, what else it may be."""

    name: str = Field(examples=["total"])
    value: JsonValue = Field(examples=["19.46"])
    machine: JsonValue = Field(description="What was read last.", examples=["19.16"])
    confidence: float | None = Field(examples=[0.62])
    page: int | None
    bbox: BBox | None = Field(description="Left, top, right, bottom in pixels of the upright page.")
    evidence: str
    candidates: list[dict[str, JsonValue]] = Field(description="What it may be, the best first.")
    correction: Correction | None
    differs: bool = Field(description="It is corrected, and the machine reads something else now.")


class Reading(Answer):
    """What was read from a receipt, with the corrections laid over it."""

    updated_at: dt.datetime = Field(description="Give it as `seen` with your decision.")
    reasons: list[str]
    fields: list[ReadField]
    line_items: list[dict[str, JsonValue]]
    taxes: list[dict[str, JsonValue]]
    checks: list[Check]
    corrections: list[Correction]
    expenses: list[Expense] = Field(description="All of this picture, those that were voided too.")
    same_purchase: Receipt | None
    pages: list[Receipt] = Field(description="Other receipts that are further pages of this one.")
    parts: int
    settled: str | None = Field(description="`booked` or `dismissed` by a person: no reading changes that.")

    @classmethod
    def of(cls, item: ReviewItem) -> Reading:
        """The answer for one receipt."""
        return cls(
            updated_at=item.receipt.updated_at,
            reasons=list(item.reasons),
            fields=[ReadField.model_validate(field) for field in item.fields],
            line_items=list(item.line_items),
            taxes=list(item.taxes),
            checks=list(item.checks),
            corrections=[Correction.model_validate(one) for one in item.corrections],
            expenses=[Expense.model_validate(one) for one in item.expenses],
            same_purchase=Receipt.of(item.same_purchase) if item.same_purchase else None,
            pages=[Receipt.of(page) for page in item.pages],
            parts=item.parts,
            settled=item.settled,
        )
