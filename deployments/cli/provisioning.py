"""The command that makes a stack whose parts run elsewhere ready: `provision`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli.common import console
from flows.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from deployments.settings import GatewaySettings


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command(name="provision")(provision_elsewhere)


def provision_elsewhere(
    create: Annotated[bool, typer.Option("--create", help="Create the ledger's database and the buckets too.")] = False,
) -> None:
    """Make or refresh what flows need where Prefect, PostgreSQL and S3 run elsewhere.

    That is tables, blocks, work pool with its queues, and deployments. Takes its addresses from PREFECT_API_URL,
    RECEIPTFLOW_LEDGER_URL and RECEIPTFLOW_S3_… (see docs/scaling.md), as the gateway does. Run it again after every
    update; what was changed in the Prefect UI stays.
    """
    settings = _settings()
    from deployments.provisioning.infrastructure import make_infrastructure, require_buckets, storage_address  # noqa: PLC0415
    from deployments.provisioning.names import POOL  # noqa: PLC0415
    from deployments.provisioning.prefect_objects import provision  # noqa: PLC0415

    if create:
        make_infrastructure(settings)
    require_buckets(settings)
    asyncio.run(_within_reach(provision(storage_address(settings), settings.ledger_url, settings.public_url)))
    console.print(f"Tables, blocks, work pool {POOL} with its queues, and deployments are in place. On each host:")
    console.print(f"  prefect worker start --pool {POOL} --type receiptflow --name <host>", soft_wrap=True)
    console.print("  python -m deployments.gateway", soft_wrap=True)


def _settings() -> GatewaySettings:
    from pydantic import ValidationError  # noqa: PLC0415

    from deployments.settings import GatewaySettings  # noqa: PLC0415

    if not os.environ.get("PREFECT_API_URL"):
        raise ConfigurationError(
            "Set PREFECT_API_URL to your Prefect server's API, for example http://prefect:4200/api."
        )
    try:
        return GatewaySettings()
    except ValidationError as error:
        wrong = ", ".join(f"RECEIPTFLOW_{'_'.join(map(str, one['loc'])).upper()}" for one in error.errors())
        raise ConfigurationError(f"Missing or wrong in the environment: {wrong}.") from error


async def _within_reach(work: Awaitable[None]) -> None:
    import httpx  # noqa: PLC0415

    try:
        await work
    except httpx.TransportError as error:
        address = os.environ["PREFECT_API_URL"]
        raise ConfigurationError(f"Prefect's server at {address} does not answer ({error}).") from error
