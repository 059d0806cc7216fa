"""Exports to servers, Actual's and Firefly's: which one, trying it, exporting to it, and what became of that."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.services.book_servers import ExportRun
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.templates import go_to, render
from deployments.gateway.web.visitor import ChangingAdmin, ChangingReviewer, Fields, Viewer
from flows.domain.errors import ConfigurationError
from flows.exports import BooksRefusedError, BooksUnavailableError, pending_of, preview_entries
from flows.flow_runs.submission import OrchestratorUnavailableError
from flows.ledger.exports import list_exports
from flows.ledger.owner_settings import settings_of
from flows.pipeline.book_servers import Server, server_kind, target_of

router = APIRouter(include_in_schema=False)
TITLES = {"actual": "Actual Budget", "firefly": "Firefly III"}


@router.get("/exports/servers/{target}")
async def get_server(request: Request, target: str, visitor: Viewer, context: Context) -> Response:
    """The server, what it is still to be told, and the last runs."""
    server_kind(target)
    values: dict[str, Any] = {"target": target, "title": TITLES[target], "is_away": False, "server": None}
    values |= {"pending": None, "entries": [], "runs": [], "wrong": ""}
    try:
        values["server"] = server = await context.book_servers.find(visitor.owner, target)
        values["runs"] = await context.book_servers.last_runs(visitor.owner, target)
    except OrchestratorUnavailableError:
        values["is_away"], server = True, None
    except ConfigurationError as error:  # a block that somebody changed in Prefect's UI
        values["wrong"], server = str(error), None
    if server is not None:
        values |= await asyncio.to_thread(_pending, context, visitor.owner, server)
    made = await with_ledger(context, lambda session: list_exports(visitor.owner, target, session=session))
    own = await with_ledger(context, lambda session: settings_of(visitor.owner, session=session))
    return render(
        request, "exports/server.html", made=made, home=own.home_currency or "", is_running=_running(values), **values
    )


@router.post("/exports/servers/{target}")
async def save(target: str, visitor: ChangingAdmin, context: Context, fields: Fields) -> Response:
    """Keep the server, and try it."""
    server = await context.book_servers.save(visitor.owner, target, fields)
    return go_to(f"/exports/servers/{target}", f"Saved. {await _tried(context, server)}")


@router.post("/exports/servers/{target}/test")
async def test(target: str, visitor: ChangingAdmin, context: Context) -> Response:
    """Ask the server which books it has."""
    server = await context.book_servers.find(visitor.owner, target)
    said = await _tried(context, server) if server else "No server is set yet."
    return go_to(f"/exports/servers/{target}", said)


@router.post("/exports/servers/{target}/remove")
async def remove(target: str, visitor: ChangingAdmin, context: Context) -> Response:
    """Forget the server; what was exported stays noted."""
    await context.book_servers.remove(visitor.owner, target)
    return go_to(f"/exports/servers/{target}", "The server is forgotten; what it was told stays noted.")


@router.post("/exports/servers/{target}/export")
async def export(target: str, visitor: ChangingReviewer, context: Context, fields: Fields) -> Response:
    """Start the run that tells the server what is new, changed and voided."""
    server_kind(target)
    if await context.book_servers.find(visitor.owner, target) is None:
        return go_to(f"/exports/servers/{target}", "No server is set yet.")
    leave_out = fields.get("leave_out") == "1"
    await context.book_servers.start_export(visitor.owner, target, leave_out=leave_out)
    return go_to(f"/exports/servers/{target}", "The export has begun; below is what becomes of it.")


async def _tried(context: GatewayContext, server: Server) -> str:
    try:
        return f"The connection works: {await context.book_servers.describe(server)}."
    except (BooksRefusedError, BooksUnavailableError, ConfigurationError) as error:
        return f"The connection does not work: {error}"


def _pending(context: GatewayContext, owner: str, server: Server) -> dict[str, Any]:
    show = partial(preview_entries, context.ledger, owner, target_of(server))
    return {"pending": pending_of(context.ledger, owner, target_of(server)), "entries": show()[0]}


def _running(values: dict[str, Any]) -> bool:
    runs: list[ExportRun] = values["runs"]
    return any(run.is_under_way for run in runs)
