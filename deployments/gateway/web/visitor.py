"""Who visits a page: the person of the session cookie, what they may do, and that a form comes from our own page.

A change is believed if the browser says that it comes from this origin (`Sec-Fetch-Site`, `Origin`) and the form or the
request's header has the session's token. The cookie is sent to `/app` only, so that the API never sees it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from fastapi import Depends, Request
from starlette.responses import Response

from deployments.gateway.http.problems import RefusedError
from deployments.gateway.web.assets import PREFIX
from deployments.settings import is_loopback
from flows.domain.errors import ReceiptflowError
from flows.ledger.access import PersonView, Role, SignedIn, find_session
from flows.ledger.receipts import count_in_review
from flows.ledger.schema import Via
from flows.ledger.values import Actor

COOKIE = "receiptflow_session"
_LONGEST_TOKEN = 100
_COOKIE_SECONDS = 180 * 24 * 3600
_FOREIGN = "This request comes from another page than ours. Open the page again and repeat it there."


class SignInNeededError(ReceiptflowError):
    """Nobody is signed in."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        super().__init__("Sign in first.")


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person on a page. `token` proves that a form is from a page of this session."""

    person: PersonView
    session_id: UUID
    token: str

    @property
    def owner(self) -> str:
        """Whose receipts they see."""
        return self.person.owner

    @property
    def actor(self) -> Actor:
        """Who decides, for the ledger."""
        return Actor(self.person.name, Via.PAGE, self.person.id)

    def may(self, role: str) -> bool:
        """Whether they may do what this role may; for templates."""
        return self.person.role.includes(Role(role))


async def find_visitor(request: Request) -> Visitor | None:
    """The signed-in person, or None."""
    secret = request.cookies.get(COOKIE, "")
    if not secret or len(secret) > _LONGEST_TOKEN or not secret.isascii():
        return None
    found, request.state.waiting = await asyncio.to_thread(_look_up, request, secret)
    return Visitor(found.person, found.session_id, token_of(secret)) if found else None


def _look_up(request: Request, secret: str) -> tuple[SignedIn | None, int]:
    """Who it is, and how many receipts wait for them, which every page shows."""
    with request.app.state.context.ledger.session() as session:
        found = find_session(secret, session=session)
        return found, count_in_review(found.person.owner, session=session) if found else 0


def token_of(secret: str) -> str:
    """What forms of a session carry; the session's own secret cannot be had from it."""
    return hmac.new(secret.encode(), b"receiptflow form", hashlib.sha256).hexdigest()


def visiting(role: Role) -> Callable[..., Awaitable[Visitor]]:
    """A dependency that admits people of this role and above, for pages that only show."""

    async def admit(request: Request) -> Visitor:
        visitor = await find_visitor(request)
        if visitor is None:
            raise SignInNeededError(_wanted(request))
        if not visitor.person.role.includes(role):
            raise RefusedError(403, f"This needs the role {role.value}; you are {visitor.person.role.value}.")
        request.state.visitor = visitor
        await request.app.state.context.rates.count_request(visitor.session_id)
        return visitor

    return admit


def changing(role: Role) -> Callable[..., Awaitable[Visitor]]:
    """A dependency as `visiting`, for forms: they have to come from a page of this session."""
    admitted = visiting(role)

    async def admit(request: Request) -> Visitor:
        require_own_origin(request)
        visitor = await admitted(request)
        require_token(request, visitor, await form_of(request))
        return visitor

    return admit


async def form_of(request: Request) -> dict[str, str]:
    """A form's text fields; of a name that is there twice, the last."""
    form = await request.form(max_files=0, max_fields=2_000)
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


def require_own_origin(request: Request) -> None:
    """Refuse what the browser says comes from elsewhere."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    foreign = site not in {None, "same-origin"} or (origin is not None and not _is_own(request, origin))
    if foreign:
        raise RefusedError(403, _FOREIGN)


def _is_own(request: Request, origin: str) -> bool:
    return urlsplit(origin).netloc == request.headers.get("host", "")


def require_token(request: Request, visitor: Visitor, fields: Mapping[str, str]) -> None:
    """Refuse a request that has not the session's token in its header or its form."""
    given = request.headers.get("x-csrf-token") or fields.get("csrf", "")
    if not hmac.compare_digest(given.encode(), visitor.token.encode()):
        raise RefusedError(403, _FOREIGN)


def _wanted(request: Request) -> str:
    """Where to go after signing in: the page that was asked for, if it can be asked for again."""
    if request.method != "GET":
        return f"{PREFIX}/"
    query = f"?{request.url.query}" if request.url.query else ""
    return request.url.path + query


def safe_path(path: str) -> str:
    """A path of our own pages; anything else becomes the first page."""
    plain = path.startswith(f"{PREFIX}/") and path.isprintable() and "\\" not in path
    return quote(path, safe="/?&=%-_.~+,:@") if plain else f"{PREFIX}/"


def public_address(request: Request) -> str:
    """The address that other devices reach these pages under, without path; empty where none does."""
    settings = request.app.state.context.settings
    here = f"{request.url.scheme}://{request.url.netloc}"
    return next(
        (one for one in (settings.public_url, here) if one and not is_loopback(urlsplit(one).hostname or "")), ""
    )


def reachable(request: Request, address: str) -> str:
    """An address to link to; empty where it is this machine's own and the visitor is elsewhere."""
    here = is_loopback(request.url.hostname or "")
    return address if here or not is_loopback(urlsplit(address).hostname or "") else ""


def set_cookie(response: Response, request: Request, secret: str) -> None:
    """Hand the session's secret to the browser; no script sees it, and over https no wire."""
    response.set_cookie(COOKIE, secret, max_age=_COOKIE_SECONDS, **cookie_attributes(request))


def clear_cookie(response: Response, request: Request) -> None:
    """Take it back."""
    response.delete_cookie(COOKIE, **cookie_attributes(request))


def cookie_attributes(request: Request) -> dict[str, Any]:
    """Of every cookie that lets somebody in."""
    settings = request.app.state.context.settings
    encrypted = "https" in {
        request.url.scheme,
        urlsplit(settings.public_url).scheme,
        urlsplit(settings.gateway_url).scheme,
    }
    secure = encrypted or not is_loopback(request.url.hostname or "")
    return {"path": PREFIX, "httponly": True, "samesite": "lax", "secure": secure}


Viewer = Annotated[Visitor, Depends(visiting(Role.VIEWER))]
Reviewer = Annotated[Visitor, Depends(visiting(Role.REVIEWER))]
Admin = Annotated[Visitor, Depends(visiting(Role.ADMIN))]
ChangingViewer = Annotated[Visitor, Depends(changing(Role.VIEWER))]
ChangingReviewer = Annotated[Visitor, Depends(changing(Role.REVIEWER))]
ChangingAdmin = Annotated[Visitor, Depends(changing(Role.ADMIN))]
Fields = Annotated[dict[str, str], Depends(form_of)]
