"""Routes of an owner's categories."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from deployments.gateway.api.schemas import Answer
from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.auth import Admin, Reader
from deployments.gateway.http.problems import RESPONSES
from flows.ledger.categories import (
    CategoryView,
    archive_category,
    list_categories,
    make_category,
    merge_categories,
    rename_category,
)

router = APIRouter(prefix="/categories", tags=["categories"], responses=RESPONSES)
T = TypeVar("T")


class Category(Answer):
    """One category."""

    id: UUID
    name: str = Field(examples=["Groceries"])
    archived_at: dt.datetime | None = Field(description="Since when it is not offered any more.")


class NewCategory(BaseModel):
    """A category to make."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200, examples=["Client lunches"])


class CategoryChange(BaseModel):
    """What to change of a category; what is not given stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, min_length=1, max_length=200)
    archived: bool | None = None


class Merge(BaseModel):
    """Which category it becomes."""

    model_config = ConfigDict(extra="forbid")

    into: UUID


async def _in_session(context: GatewayContext, work: Callable[[Session], T]) -> T:
    def run() -> T:
        with context.ledger.session() as session:
            return work(session)

    return await asyncio.to_thread(run)


@router.get("", summary="List categories")
async def get_categories(
    caller: Reader,
    context: Context,
    archived: Annotated[bool, Query(description="With archived ones.")] = False,
) -> list[Category]:
    """By name. An owner begins with a default set."""
    found = await _in_session(
        context, lambda session: list_categories(caller.owner, archived=archived, session=session)
    )
    return [Category.model_validate(one) for one in found]


@router.post("", status_code=201, summary="Make a category")
async def post_category(wanted: NewCategory, caller: Admin, context: Context) -> Category:
    """One that is archived comes back."""
    made = await _in_session(context, lambda session: make_category(caller.owner, wanted.name, session=session))
    return Category.model_validate(made)


@router.patch("/{category_id}", summary="Rename or archive a category")
async def patch_category(category_id: UUID, wanted: CategoryChange, caller: Admin, context: Context) -> Category:
    """Expenses and lines that have it follow a new name; an archived one stays on what has it."""

    def change(session: Session) -> CategoryView | None:
        changed = None
        if wanted.name is not None:
            changed = rename_category(category_id, wanted.name, owner=caller.owner, session=session)
        if wanted.archived is not None or changed is None:
            archived = bool(wanted.archived)
            changed = archive_category(category_id, owner=caller.owner, archived=archived, session=session)
        return changed

    return Category.model_validate(await _in_session(context, change))


@router.post("/{category_id}/merge", summary="Merge a category into another one")
async def merge(category_id: UUID, wanted: Merge, caller: Admin, context: Context) -> Category:
    """What has it gets the other one; its names mean the other one from now on."""
    merged = await _in_session(
        context, lambda session: merge_categories(category_id, wanted.into, owner=caller.owner, session=session)
    )
    return Category.model_validate(merged)
