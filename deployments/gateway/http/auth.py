"""Who asks: API keys from the request, checked against the ledger and kept for a few seconds."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from deployments.gateway.http.problems import RefusedError
from flows.ledger.access import KeyView, Scope, find_key
from flows.ledger.database import Ledger

# A revoked key works this much longer at most; a look-up costs a few milliseconds.
_KEPT_SECONDS = 3.0
_MOST_KEPT = 10_000
_LONGEST_KEY = 200
# What a key of another scope may do, too: keys of before the scope `review` existed decide as administrators.
_INCLUDED_IN = {Scope.REVIEW: (Scope.ADMIN.value,)}

_bearer = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer rf_…`")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="An API key, where a bearer token is awkward.")


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner for whom a request is made."""

    owner: str
    key_id: UUID
    scopes: frozenset[str]
    name: str = ""


class ApiKeyCache:
    """Looks keys up and remembers the answers, wrong keys included, for a few seconds."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept: OrderedDict[str, tuple[float, KeyView | None]] = OrderedDict()

    async def caller(self, secret: str) -> Caller | None:
        """The caller with this key; None if it is unknown, revoked or expired."""
        key = await self._find(secret)
        if key is None or not key.usable(dt.datetime.now(dt.UTC)):
            return None
        return Caller(key.owner, key.id, frozenset(key.scopes), key.name)

    def was_valid(self, secret: str) -> bool:
        """Whether this key was found when it was last looked up, however long ago."""
        kept = self._kept.get(secret)
        return kept is not None and kept[1] is not None

    async def _find(self, secret: str) -> KeyView | None:
        kept = self._kept.get(secret)
        if kept is not None and time.monotonic() - kept[0] < _KEPT_SECONDS:
            return kept[1]
        key = await asyncio.to_thread(self._look_up, secret)
        self._kept[secret] = (time.monotonic(), key)
        self._kept.move_to_end(secret)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return key

    def _look_up(self, secret: str) -> KeyView | None:
        with self._ledger.session() as session:
            return find_key(secret, session=session)


def _secret_of(bearer: HTTPAuthorizationCredentials | None, header: str | None) -> str | None:
    secret = bearer.credentials if bearer else header
    return secret if secret and len(secret) <= _LONGEST_KEY and secret.isascii() and secret.isprintable() else None


def allowed(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """A dependency that admits keys with this scope and counts the request against the key's rate."""

    async def admit(
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        header: Annotated[str | None, Security(_header)],
    ) -> Caller:
        caller = await _caller_of(request, _secret_of(bearer, header))
        if not {scope.value, *_INCLUDED_IN.get(scope, ())} & caller.scopes:
            raise RefusedError(403, f"This key lacks the scope {scope.value!r}.")
        await request.app.state.context.rates.count_request(caller.key_id)
        return caller

    return admit


async def _caller_of(request: Request, secret: str | None) -> Caller:
    """Who has this key. An address that was refused too often is not looked up, unless its key was valid before."""
    context, address = request.app.state.context, address_of(request)
    if secret is None or not context.keys.was_valid(secret):
        await context.rates.check_stranger(address)
    caller: Caller | None = await context.keys.caller(secret) if secret else None
    if caller is None:
        await context.rates.count_refusal(address)
        detail = "Give a valid API key as `Authorization: Bearer rf_…`; `receiptflow keys create` makes one."
        raise RefusedError(401, detail, {"WWW-Authenticate": "Bearer"})
    return caller


def address_of(request: Request) -> str:
    """The address that a request came from: of the client, where a proxy on this machine says so."""
    return request.client.host if request.client else ""


Uploader = Annotated[Caller, Depends(allowed(Scope.UPLOAD))]
Reader = Annotated[Caller, Depends(allowed(Scope.READ))]
Reviewer = Annotated[Caller, Depends(allowed(Scope.REVIEW))]
Admin = Annotated[Caller, Depends(allowed(Scope.ADMIN))]
Operator = Annotated[Caller, Depends(allowed(Scope.OPERATOR))]
