"""The page of one's own account: password, language, and the browsers that are signed in."""

from __future__ import annotations

import asyncio
import datetime as dt
from uuid import UUID
from zoneinfo import available_timezones

from fastapi import APIRouter, Request
from fastapi.responses import Response

from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.web.templates import go_to, render
from deployments.gateway.web.texts import LANGUAGES
from deployments.gateway.web.visitor import ChangingViewer, Fields, Viewer, Visitor
from flows.ledger.access import (
    SHORTEST_PASSWORD,
    InvalidPersonError,
    SessionView,
    end_session,
    list_sessions,
    person_with_password,
    set_language,
    set_password,
    set_time_zone,
)

router = APIRouter(include_in_schema=False)


@router.get("/account")
async def get_account(request: Request, visitor: Viewer, context: Context) -> Response:
    """Password, language and sessions."""

    def read() -> list[SessionView]:
        with context.ledger.session() as session:
            return list_sessions(visitor.person.id, session=session)

    sessions = await asyncio.to_thread(read)
    return render(
        request,
        "people/account.html",
        sessions=sessions,
        shortest=SHORTEST_PASSWORD,
        zones=sorted(available_timezones()),
        now=dt.datetime.now(dt.UTC),
    )


@router.post("/account/password")
async def change_password(visitor: ChangingViewer, context: Context, fields: Fields) -> Response:
    """Set a password; who has one gives it too. Other browsers are signed out."""
    await asyncio.to_thread(_change_password, context, visitor, fields)
    return go_to("/account", "Your password is set. Other browsers are signed out.")


def _change_password(context: GatewayContext, visitor: Visitor, fields: dict[str, str]) -> None:
    person, new = visitor.person, fields.get("new", "")
    if new != fields.get("again", ""):
        raise InvalidPersonError("password: the two are not the same; type the new one twice")
    with context.ledger.session() as session:
        current = fields.get("current", "")
        if person.has_password and person_with_password(person.name, current, session=session) is None:
            raise InvalidPersonError("current password: this is not it")
        set_password(person.id, new, keep=visitor.session_id, session=session)


@router.post("/account/language")
async def change_language(visitor: ChangingViewer, context: Context, fields: Fields) -> Response:
    """Read the pages in another language; without one, in the browser's."""
    language = fields.get("language") if fields.get("language") in LANGUAGES else None

    def write() -> None:
        with context.ledger.session() as session:
            set_language(visitor.person.id, language, session=session)

    await asyncio.to_thread(write)
    return go_to("/account")


@router.post("/account/time-zone")
async def change_time_zone(visitor: ChangingViewer, context: Context, fields: Fields) -> Response:
    """Be shown times in another zone; without one, in the server's."""
    zone = fields.get("time_zone", "").strip() or None

    def write() -> None:
        with context.ledger.session() as session:
            set_time_zone(visitor.person.id, zone, session=session)

    await asyncio.to_thread(write)
    return go_to("/account", "Changed.")


@router.post("/account/sessions/{session_id}/end")
async def end(session_id: UUID, visitor: ChangingViewer, context: Context) -> Response:
    """Sign one browser out."""

    def write() -> None:
        with context.ledger.session() as session:
            end_session(session_id, visitor.person.id, session=session)

    await asyncio.to_thread(write)
    return go_to("/account", "That browser is signed out.")
