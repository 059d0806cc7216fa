"""The gateway as an ASGI application: its routes, errors and what is opened while it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from deployments.gateway import (
    changes,
    events,
    lists,
    metrics,
    operations,
    page,
    pictures,
    problems,
    progress,
    receipts,
    uploads,
    webhooks,
)
from deployments.gateway.middleware import Around
from deployments.gateway.parts import open_parts
from deployments.gateway.settings import GatewaySettings

_DESCRIPTION = """Hand photographed receipts in and get expenses back.

Every request but the health checks needs an API key: `Authorization: Bearer rf_…`. A key sees its owner's receipts
only. Refusals are `application/problem+json`. Lists are pages: give `next` back as `after`.
"""


def create_app(settings: GatewaySettings | None = None) -> FastAPI:
    """The gateway; without `settings` they come from the environment.

    Raises:
        ConfigurationError: it was told to listen off loopback with placeholder secrets.
    """
    chosen = settings or GatewaySettings()  # from the environment
    chosen.require_secure()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_parts(chosen) as parts:
            app.state.parts = parts
            yield

    app = FastAPI(title="receiptflow", version=version("receiptflow"), description=_DESCRIPTION, lifespan=lifespan)
    problems.install(app)
    app.add_middleware(Around)
    for module in (page, receipts, progress, pictures, changes, lists, uploads, webhooks, events, operations, metrics):
        app.include_router(module.router)
    return app
