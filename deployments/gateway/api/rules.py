"""Routes of what was learned: an owner's rules, and switching one off or on."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from deployments.gateway.api.schemas import Answer
from deployments.gateway.context import Context
from deployments.gateway.http.auth import Admin, Reader
from deployments.gateway.http.problems import RESPONSES
from flows.ledger.rules import RuleView, list_rules, switch_rule
from flows.ledger.schema import RuleKind

router = APIRouter(prefix="/rules", tags=["rules"], responses=RESPONSES)
_LARGEST_ID = 2**63 - 1


class Rule(Answer):
    """What one mark of a merchant means."""

    id: int
    kind: RuleKind
    identity_kind: str = Field(examples=["phone"], description="tax_id, domain, phone, address, name, merchant.")
    identity_value: str = Field(examples=["91234567"], description="The mark, folded for comparison.")
    result: str = Field(examples=["Aldi S\u00fcd"], description="The name or category that it chooses.")
    made_from: UUID | None = Field(description="The receipt whose correction it follows from.")
    made_by: str
    made_at: dt.datetime
    uses: int = Field(description="Receipts whose reading it has changed.")
    disabled: bool
    disabled_reason: str | None
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


@router.patch("/{rule_id}", summary="Switch a rule off or on")
async def patch_rule(
    rule_id: Annotated[int, Path(ge=1, le=_LARGEST_ID)], wanted: RuleChange, caller: Admin, context: Context
) -> Rule:
    """It changes nothing of what was read before. Learning leaves it as it was set."""

    def change() -> RuleView:
        with context.ledger.session() as session:
            by = f"API key {caller.key_id}"
            return switch_rule(rule_id, by, owner=caller.owner, disabled=wanted.disabled, session=session)

    return Rule.model_validate(await asyncio.to_thread(change))
