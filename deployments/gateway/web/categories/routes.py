"""Categories of an owner: made, renamed, merged, archived and taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlmodel import Session

from deployments.gateway.context import Context
from deployments.gateway.http.problems import RefusedError
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.templates import go_to, render
from deployments.gateway.web.visitor import ChangingAdmin, Fields, Viewer
from flows.ledger.categories import (
    archive_category,
    list_categories,
    make_category,
    merge_categories,
    rename_category,
)

router = APIRouter(include_in_schema=False)


@router.get("/categories")
async def get_categories(request: Request, visitor: Viewer, context: Context) -> Response:
    """All of them, archived ones too."""
    found = await with_ledger(context, lambda session: list_categories(visitor.owner, archived=True, session=session))
    return render(request, "categories/page.html", categories=found)


@router.post("/categories")
async def make(visitor: ChangingAdmin, context: Context, fields: Fields) -> Response:
    """Make one."""
    name = fields.get("name", "")
    return await _change(context, lambda session: make_category(visitor.owner, name, session=session))


@router.post("/categories/{category_id}/rename")
async def rename(category_id: UUID, visitor: ChangingAdmin, context: Context, fields: Fields) -> Response:
    """Give it another name, in all expenses."""
    name = fields.get("name", "")
    return await _change(
        context, lambda session: rename_category(category_id, name, owner=visitor.owner, session=session)
    )


@router.post("/categories/{category_id}/merge")
async def merge(category_id: UUID, visitor: ChangingAdmin, context: Context, fields: Fields) -> Response:
    """Let another one take its expenses."""
    try:
        into = UUID(fields.get("into", ""))
    except ValueError as error:
        raise RefusedError(422, "into: choose the category that takes its expenses") from error
    return await _change(
        context, lambda session: merge_categories(category_id, into, owner=visitor.owner, session=session)
    )


@router.post("/categories/{category_id}/archive")
async def archive(category_id: UUID, visitor: ChangingAdmin, context: Context, fields: Fields) -> Response:
    """Offer it no more, or again."""
    archived = fields.get("archived", "1") == "1"
    return await _change(
        context,
        lambda session: archive_category(category_id, archived=archived, owner=visitor.owner, session=session),
    )


async def _change(context: Context, work: Callable[[Session], Any]) -> Response:
    await with_ledger(context, work)
    return go_to("/categories", "Changed.")
