"""Signing in: with a link's code, which works once, or with name and password; signing out.

A link's code stands behind the `#` of its address, which browsers send to nobody: it is in no log, and no program that
looks at links ahead of people uses it up. The page's script hands it in; without scripts it is typed into the form.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.web.sentences import told
from deployments.gateway.web.templates import go_to, language_of, render
from deployments.gateway.web.visitor import (
    ChangingViewer,
    Fields,
    clear_cookie,
    find_visitor,
    require_own_origin,
    safe_path,
    set_cookie,
)
from deployments.settings import is_loopback
from flows.ledger.access import PersonView, SignInError, begin_session, end_session, person_with_password, use_link

router = APIRouter(include_in_schema=False)
_LONGEST_FIELD = 300
_WRONG = "Name or password is wrong."


@router.get("/sign-in")
async def get_sign_in(request: Request, wanted: Annotated[str, Query(alias="next", max_length=2000)] = "") -> Response:
    """The form; who is signed in goes on."""
    if await find_visitor(request):
        return RedirectResponse(safe_path(wanted), 303)
    return form(request, wanted, "", 200)


@router.post("/sign-in")
async def sign_in(request: Request, context: Context, fields: Fields) -> Response:
    """Begin a session, or say what was wrong; too many wrong tries are refused for a while."""
    require_own_origin(request)
    given = {name: fields.get(name, "")[:_LONGEST_FIELD] for name in ("name", "password", "code")}
    address = request.client.host if request.client else ""
    await context.rates.check_sign_in(given["name"].casefold(), address)
    try:
        secret = await asyncio.to_thread(_begin, context, given, request.headers.get("user-agent", ""))
    except SignInError as error:
        await context.rates.count_failed_sign_in(given["name"].casefold(), address)
        return form(request, fields.get("next", ""), str(error), 422, name=given["name"])
    response = RedirectResponse(safe_path(fields.get("next", "")), 303)
    set_cookie(response, request, secret)
    return response


def _begin(context: GatewayContext, given: dict[str, str], user_agent: str) -> str:
    with context.ledger.session() as session:
        person: PersonView | None
        if given["code"]:
            person = use_link(given["code"].strip().rpartition("#")[2], session=session)
        else:
            person = person_with_password(given["name"], given["password"], session=session)
        if person is None:
            raise SignInError(_WRONG)
        return begin_session(person.id, user_agent, session=session)


def form(request: Request, wanted: str, problem: str, status: int, name: str = "") -> Response:
    """The page to sign in, with what was wrong."""
    settings = request.app.state.context.settings
    local = is_loopback(request.url.hostname or "")
    return render(
        request,
        "sign_in/page.html",
        status,
        wanted=safe_path(wanted),
        problem=told(problem, language_of(request)),
        name=name,
        provider=settings.oidc_label if settings.oidc_issuer else "",
        unencrypted=request.url.scheme != "https" and not local,
    )


@router.post("/sign-out")
async def sign_out(request: Request, visitor: ChangingViewer, context: Context) -> Response:
    """End this session."""

    def end() -> None:
        with context.ledger.session() as session:
            end_session(visitor.session_id, visitor.person.id, session=session)

    await asyncio.to_thread(end)
    response = go_to("/sign-in")
    clear_cookie(response, request)
    return response
