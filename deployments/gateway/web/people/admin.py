"""The people of an owner: added, given roles, links, disabled and enabled; for admins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlmodel import Session

from deployments.gateway.context import Context
from deployments.gateway.http.problems import RefusedError
from deployments.gateway.web.assets import PREFIX
from deployments.gateway.web.qr import qr_svg
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.templates import go_to, render
from deployments.gateway.web.visitor import Admin, ChangingAdmin, Fields, public_address
from flows.ledger.access import (
    LINK_HOURS,
    PersonView,
    Role,
    add_person,
    disable_person,
    enable_person,
    list_people,
    make_link,
    set_role,
)

router = APIRouter(include_in_schema=False)


@router.get("/people")
async def get_people(request: Request, visitor: Admin, context: Context) -> Response:
    """Everybody of this owner."""
    people = await with_ledger(context, lambda session: list_people(owner=visitor.owner, session=session))
    return render(request, "people/list.html", people=people, roles=list(Role))


@router.post("/people")
async def add(request: Request, visitor: ChangingAdmin, context: Context, fields: Fields) -> Response:
    """Add a person and show their link, once."""

    def write(session: Session) -> tuple[PersonView, str]:
        person = add_person(visitor.owner, fields.get("name", ""), _role(fields), session=session)
        return make_link(person.id, session=session)

    return _link_page(request, *await with_ledger(context, write))


@router.post("/people/{person_id}/link")
async def link(request: Request, person_id: UUID, visitor: ChangingAdmin, context: Context) -> Response:
    """Show a new link, once; those before work no more."""
    made = await with_ledger(context, lambda session: make_link(person_id, owner=visitor.owner, session=session))
    return _link_page(request, *made)


def _link_page(request: Request, person: PersonView, code: str) -> Response:
    here = str(request.base_url).split(PREFIX, maxsplit=1)[0].rstrip("/")
    gateway = public_address(request) or here
    address = f"{gateway}{PREFIX}/sign-in#{code}"
    picture = qr_svg(address, f"Signs in {person.name}")
    return render(request, "people/link.html", person=person, address=address, picture=picture, hours=LINK_HOURS)


@router.post("/people/{person_id}/role")
async def change_role(person_id: UUID, visitor: ChangingAdmin, context: Context, fields: Fields) -> Response:
    """Change what a person may do."""
    role = _role(fields)
    return await _change(context, lambda session: set_role(person_id, role, owner=visitor.owner, session=session))


@router.post("/people/{person_id}/disable")
async def disable(person_id: UUID, visitor: ChangingAdmin, context: Context) -> Response:
    """Keep a person out, now."""
    return await _change(context, lambda session: disable_person(person_id, owner=visitor.owner, session=session))


@router.post("/people/{person_id}/enable")
async def enable(person_id: UUID, visitor: ChangingAdmin, context: Context) -> Response:
    """Let a person in again."""
    return await _change(context, lambda session: enable_person(person_id, owner=visitor.owner, session=session))


async def _change(context: Context, work: Callable[[Session], Any]) -> Response:
    await with_ledger(context, work)
    return go_to("/people", "Changed.")


def _role(fields: dict[str, str]) -> Role:
    try:
        return Role(fields.get("role", ""))
    except ValueError as error:
        raise RefusedError(422, f"role: choose one of {', '.join(Role)}") from error
