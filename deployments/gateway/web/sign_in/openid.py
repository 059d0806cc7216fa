"""Signing in with an OpenID provider: away to it, and back with its answer.

What was begun stands in a cookie of this browser for ten minutes, so that an answer fits one browser and one try.
"""

from __future__ import annotations

import asyncio
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.auth import address_of
from deployments.gateway.http.problems import RefusedError
from deployments.gateway.services.openid import (
    OpenIdProvider,
    OpenIdRefusedError,
    ProviderAwayError,
    SignInTry,
    Vouched,
)
from deployments.gateway.web.assets import PREFIX
from deployments.gateway.web.sign_in.routes import form
from deployments.gateway.web.visitor import cookie_attributes, safe_path, set_cookie
from flows.ledger.access import InvalidPersonError, SignInError, begin_session, person_of_subject

router = APIRouter(include_in_schema=False)
_COOKIE, _COOKIE_SECONDS = "receiptflow_openid", 600
_BEGIN, _BACK = "/sign-in/openid", "/sign-in/openid/back"
_AWAY = "The provider does not answer just now. Try again in a moment, or sign in with your password."
_LOST = "This browser began no sign-in, or more than ten minutes ago. Try again."


def _provider(context: GatewayContext) -> OpenIdProvider:
    if context.openid is None:
        raise RefusedError(404, "No provider is set up here: sign in with name and password.")
    return context.openid


@router.get(_BEGIN)
async def begin(
    request: Request,
    context: Context,
    wanted: Annotated[str, Query(alias="next", max_length=2000)] = "",
    moved: bool = False,
) -> Response:
    """Send the browser to the provider; first, once, to the address that the provider sends it back to."""
    provider, public = _provider(context), urlsplit(context.settings.public_url)
    await context.rates.check_stranger(address_of(request))
    if public.netloc and public.netloc != request.url.netloc and not moved:  # a proxy may hide the address
        return RedirectResponse(f"{_base(request)}{_BEGIN}?moved=true&next={quote(safe_path(wanted), safe='')}", 303)
    begun = SignInTry.new(safe_path(wanted))
    try:
        address = await provider.address(begun, _redirect_uri(request))
    except ProviderAwayError as error:
        raise RefusedError(503, _AWAY) from error
    except OpenIdRefusedError as error:
        return form(request, wanted, str(error), 422)
    response = RedirectResponse(address, 303)
    response.set_cookie(_COOKIE, quote(begun.write(), safe=""), max_age=_COOKIE_SECONDS, **cookie_attributes(request))
    return response


@router.get(_BACK)
async def back(request: Request, context: Context) -> Response:
    """Begin a session for whom the provider vouches for, or say why not."""
    provider, address = _provider(context), address_of(request)
    await context.rates.check_stranger(address)
    try:
        begun = SignInTry.read(unquote(request.cookies.get(_COOKIE, "")))
        if begun is None:
            raise OpenIdRefusedError(_LOST)
        vouched = await provider.vouched(begun, request.query_params, _redirect_uri(request))
        secret = await asyncio.to_thread(_begin, context, vouched, request.headers.get("user-agent", ""))
    except ProviderAwayError as error:
        raise RefusedError(503, _AWAY) from error
    except (OpenIdRefusedError, SignInError, InvalidPersonError) as error:
        await context.rates.count_refusal(address)
        response: Response = form(request, "", str(error), 422)
    else:
        response = RedirectResponse(safe_path(begun.wanted), 303)
        set_cookie(response, request, secret)
    response.delete_cookie(_COOKIE, **cookie_attributes(request))
    return response


def _begin(context: GatewayContext, vouched: Vouched, user_agent: str) -> str:
    with context.ledger.session() as session:
        new = context.settings.oidc_new_people
        person = person_of_subject(vouched.subject, vouched.name, create_for=new, session=session)
        return begin_session(person.id, user_agent, session=session)


def _base(request: Request) -> str:
    here = f"{request.url.scheme}://{request.url.netloc}"
    return f"{(request.app.state.context.settings.public_url or here).rstrip('/')}{PREFIX}"


def _redirect_uri(request: Request) -> str:
    """What has to be registered at the provider: `<public address>/app/sign-in/openid/back`."""
    return f"{_base(request)}{_BACK}"
