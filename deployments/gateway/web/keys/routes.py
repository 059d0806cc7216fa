"""API keys: made and shown once, for a phone as a QR code, revoked; for admins."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlmodel import Session

from deployments.gateway.context import Context
from deployments.gateway.http.problems import RefusedError
from deployments.gateway.web.qr import qr_svg
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.templates import go_to, render
from deployments.gateway.web.visitor import Admin, ChangingAdmin, Fields
from flows.ledger.access import OWNER_SCOPES, KeyNotFoundError, Scope, create_key, list_keys, revoke_key

router = APIRouter(include_in_schema=False)
_KINDS: dict[str, list[Scope]] = {
    "upload": [Scope.UPLOAD],
    "read": [Scope.READ],
    "both": [Scope.UPLOAD, Scope.READ],
    "all": list(OWNER_SCOPES),
}
_LONGEST_NAME, _MOST_DAYS = 100, 3650


@router.get("/keys")
async def get_keys(request: Request, visitor: Admin, context: Context) -> Response:
    """This owner's keys, without their secrets."""
    keys = await with_ledger(context, lambda session: list_keys(owner=visitor.owner, session=session))
    return render(request, "keys/list.html", keys=keys, now=dt.datetime.now(dt.UTC))


@router.post("/keys")
async def create(request: Request, visitor: ChangingAdmin, context: Context, fields: Fields) -> Response:
    """Make a key and show it, once."""
    scopes, days = _KINDS.get(fields.get("kind", "")), fields.get("days", "").strip()
    if scopes is None:
        raise RefusedError(422, f"kind: choose one of {', '.join(_KINDS)}")
    if days and not (days.isdecimal() and 0 < int(days[:9]) <= _MOST_DAYS):
        raise RefusedError(422, f"days: give a number from 1 to {_MOST_DAYS}, or nothing for a key without an end")
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(days=int(days)) if days else None
    name = " ".join(fields.get("name", "").split())[:_LONGEST_NAME]
    key, secret = await with_ledger(
        context, lambda session: create_key(visitor.owner, name, scopes, expires_at=ends, session=session)
    )
    return render(request, "keys/one.html", key=key, secret=secret, picture=qr_svg(secret, name or "API key"))


@router.post("/keys/{key_id}/revoke")
async def revoke(key_id: UUID, visitor: ChangingAdmin, context: Context) -> Response:
    """End a key."""

    def write(session: Session) -> None:
        if key_id not in {key.id for key in list_keys(owner=visitor.owner, session=session)}:
            raise KeyNotFoundError(key_id)
        revoke_key(key_id, session=session)

    await with_ledger(context, write)
    return go_to("/keys", "The key is revoked.")
