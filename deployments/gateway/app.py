"""The gateway as an ASGI application: its routes, errors and what is opened while it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from deployments.gateway.api import (
    bucket_events,
    categories,
    decisions,
    docs,
    exports,
    health,
    images,
    lists,
    metrics,
    post_receipts,
    receipt_actions,
    receipt_status,
    regions,
    rules,
    settings,
    uploads,
    vat,
    webhooks,
)
from deployments.gateway.context import open_context
from deployments.gateway.http import problems
from deployments.gateway.http.middleware import RequestMiddleware
from deployments.gateway.web.assets import PREFIX
from deployments.gateway.web.pages import create_pages, to_pages
from deployments.settings import GatewaySettings
from deployments.version import installed_version

_ROUTES = (
    post_receipts,
    receipt_status,
    images,
    receipt_actions,
    decisions,
    regions,
    lists,
    categories,
    rules,
    settings,
    uploads,
    webhooks,
    bucket_events,
    exports,
    vat,
    health,
    metrics,
    docs,
)
_DESCRIPTION = """Upload photographed receipts and get expenses back.

Every request but the health checks needs an API key: `Authorization: Bearer rf_…`. A key sees its owner's receipts
only. Refusals are `application/problem+json`. Lists are pages: give `next` back as `after`.
"""


def create_app(settings: GatewaySettings | None = None) -> FastAPI:
    """The gateway; without `settings` they come from the environment.

    Raises:
        ConfigurationError: it would listen off loopback with placeholder secrets.
    """
    chosen = settings or GatewaySettings()  # from the environment
    chosen.require_secure()

    pages = create_pages()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_context(app.state.settings) as context:
            app.state.context = pages.state.context = context
            yield

    app = FastAPI(
        title="receiptflow",
        version=installed_version(),
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = chosen
    problems.install(app)
    app.add_middleware(RequestMiddleware)
    for module in _ROUTES:
        app.include_router(module.router)
    app.add_api_route("/", to_pages, include_in_schema=False)
    app.mount(PREFIX, pages)
    return app
