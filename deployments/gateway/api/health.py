"""Routes for those who run the gateway: is it alive, can it work."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import text

from deployments.disk import disk_of
from deployments.gateway.context import Context, GatewayContext
from deployments.version import installed_version
from flows.domain.errors import ReceiptflowError
from flows.storage import ObjectGoneError

router = APIRouter(tags=["operations"])
_PROBE_SECONDS = 3.0


class Health(BaseModel):
    """The process answers."""

    status: str = Field(default="ok", examples=["ok"])
    version: str = Field(default_factory=installed_version, examples=["0.1.0"])


class Readiness(BaseModel):
    """Which parts answer. Prefect may be away, and a service may fail: receipts are accepted all the same.

    `disk_low` warns in time: receipts are accepted until the disk is full.
    """

    ready: bool
    ledger: bool
    storage: bool
    prefect: bool = Field(description="Whether receipts can be submitted: Prefect answers and has the deployment.")
    services: dict[str, Literal["running", "failing"]] = Field(
        description="What runs in the gateway's background. One that failed within the last minute is failing.",
        examples=[{"submissions": "running", "change_watcher": "running", "webhook_sender": "running"}],
    )
    disk_low: bool = Field(default=False, description="Whether little of the disk is free.")


@router.get("/health", summary="Is the process alive?")
async def health() -> Health:
    """Needs no key and depends on no other part."""
    return Health()


@router.get("/ready", summary="Can receipts be accepted?", responses={503: {"model": Readiness}})
async def ready(response: Response, context: Context) -> Readiness:
    """Needs no key; asks the ledger and the storage."""
    ledger, storage = await asyncio.gather(_answers(_ask_ledger, context), _answers(_ask_storage, context))
    response.status_code = 200 if ledger and storage else 503
    return Readiness(
        ready=ledger and storage,
        ledger=ledger,
        storage=storage,
        prefect=context.submissions.connected,
        services={name: "running" if state.healthy else "failing" for name, state in context.services.states.items()},
        disk_low=_disk_is_low(context),
    )


def _disk_is_low(context: GatewayContext) -> bool:
    folder = context.settings.data_dir
    return folder is not None and disk_of(folder).is_low(context.settings.disk_warning_fraction)


async def _answers(ask: object, context: GatewayContext) -> bool:
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            await asyncio.to_thread(ask, context)  # type: ignore[arg-type]
    except (ReceiptflowError, TimeoutError):
        return False
    return True


def _ask_ledger(context: GatewayContext) -> None:
    with context.ledger.session() as session:
        session.execute(text("SELECT 1 FROM uploads LIMIT 1"))


def _ask_storage(context: GatewayContext) -> None:
    try:
        context.inbox.head(".receiptflow-ready")
    except ObjectGoneError:
        return  # the bucket answered
