"""Routes of rules: what was learned, what a person makes by hand, switching one off or on."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from deployments.gateway.api.schemas import Answer
from deployments.gateway.context import Context
from deployments.gateway.http.auth import Admin, Reader
from deployments.gateway.http.problems import RESPONSES
from flows.ledger.rules import RuleView, list_rules, make_rule, remove_rule, switch_rule
from flows.ledger.schema import RuleKind

router = APIRouter(prefix="/rules", tags=["rules"], responses=RESPONSES)
RuleId = Annotated[int, Path(ge=1, le=2**63 - 1)]


class Rule(Answer):
    """What one mark of a merchant means."""

    id: int
    kind: RuleKind
    identity_kind: str = Field(examples=["phone"], description="tax_id, domain, phone, address, name, merchant.")
    identity_value: str = Field(examples=["91234567"], description="The mark, folded for comparison.")
    result: str = Field(examples=["Aldi S\u00fcd"], description="The name or category that it chooses.")
    made_from: UUID | None = Field(description="The receipt whose correction it follows from; null if made by hand.")
    made_by: str
    made_at: dt.datetime
    uses: int = Field(description="Receipts whose reading it has changed.")
    disabled: bool
    disabled_reason: str | None
    by_hand: bool = Field(description="A person made it, and may remove it.")
    set_by: str | None = Field(description="Who switched it by hand; learning leaves it so.")


class RuleChange(BaseModel):
    """What to change of a rule."""

    model_config = ConfigDict(extra="forbid")

    disabled: bool


@router.get("", summary="List rules")
async def get_rules(
    caller: Reader, context: Context, kind: Annotated[RuleKind | None, Query(description="Only these.")] = None
) -> list[Rule]:
    """The newest first, at most a thousand. They are made from corrections and act on later receipts only."""

    def read() -> list[RuleView]:
        with context.ledger.session() as session:
            return list_rules(caller.owner, kind=kind, session=session)

    return [Rule.model_validate(one) for one in await asyncio.to_thread(read)]


class NewRule(BaseModel):
    """What a printed name means, or which category a merchant gets."""

    model_config = ConfigDict(extra="forbid")

    kind: RuleKind
    printed: str = Field(max_length=500, examples=["ALDI SUED 4711"], description="The name as it is read or booked.")
    result: str = Field(max_length=500, examples=["Aldi S\u00fcd"], description="The merchant's name, or a category.")


@router.post("", status_code=201, summary="Make a rule")
async def post_rule(wanted: NewRule, caller: Admin, context: Context) -> Rule:
    """It acts on later receipts only; nothing that is learned changes it. The same mark again is the same rule."""

    def make() -> RuleView:
        with context.ledger.session() as session:
            return make_rule(caller.owner, wanted.printed, wanted.kind, wanted.result, caller.name, session=session)

    return Rule.model_validate(await asyncio.to_thread(make))


@router.delete("/{rule_id}", status_code=204, response_class=Response, summary="Remove a rule made by hand")
async def delete_rule(rule_id: RuleId, caller: Admin, context: Context) -> None:
    """One that was learned is switched off instead: it would be learned again."""

    def remove() -> None:
        with context.ledger.session() as session:
            remove_rule(rule_id, owner=caller.owner, session=session)

    await asyncio.to_thread(remove)


@router.patch("/{rule_id}", summary="Switch a rule off or on")
async def patch_rule(rule_id: RuleId, wanted: RuleChange, caller: Admin, context: Context) -> Rule:
    """It changes nothing of what was read before. Learning leaves it as it was set."""

    def change() -> RuleView:
        with context.ledger.session() as session:
            by = f"API key {caller.key_id}"
            return switch_rule(rule_id, by, owner=caller.owner, disabled=wanted.disabled, session=session)

    return Rule.model_validate(await asyncio.to_thread(change))
