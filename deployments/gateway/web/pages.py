"""The pages as an application of their own below `/app`: routes, errors, headers, static files."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from starlette.routing import Route

from deployments.gateway.web import errors
from deployments.gateway.web.assets import PREFIX, Assets
from deployments.gateway.web.categories import routes as categories
from deployments.gateway.web.categories import rules
from deployments.gateway.web.expenses import filters
from deployments.gateway.web.expenses import routes as expenses
from deployments.gateway.web.exports import accounts as export_accounts
from deployments.gateway.web.exports import routes as exports
from deployments.gateway.web.exports import servers as export_servers
from deployments.gateway.web.hand_in import routes as hand_in
from deployments.gateway.web.headers import PageHeaders
from deployments.gateway.web.keys import routes as keys
from deployments.gateway.web.merchants import routes as merchants
from deployments.gateway.web.notifications import routes as notifications
from deployments.gateway.web.overview import routes as overview
from deployments.gateway.web.people import admin as people_admin
from deployments.gateway.web.people import routes as people
from deployments.gateway.web.phone import routes as phone
from deployments.gateway.web.receipts import routes as receipts
from deployments.gateway.web.review import joining, regions
from deployments.gateway.web.review import routes as review
from deployments.gateway.web.settings import routes as settings
from deployments.gateway.web.sign_in import openid
from deployments.gateway.web.sign_in import routes as sign_in
from deployments.gateway.web.templates import Templates
from deployments.gateway.web.webhooks import routes as webhooks

ROUTES = (
    *(sign_in, openid, phone, overview, hand_in, review, regions, joining, filters, expenses, receipts),
    # Servers and accounts first, as any other word behind /exports/ names a target.
    *(export_servers, export_accounts, exports),
    *(people, people_admin, keys, notifications, webhooks, categories, rules, merchants, settings),
)


def create_pages() -> FastAPI:
    """The pages; `state.context` is set by the gateway that they are mounted in."""
    app = FastAPI(title="receiptflow pages", openapi_url=None, docs_url=None, redoc_url=None)
    assets = Assets()
    app.state.assets = assets
    app.state.templates = Templates(assets)
    errors.install(app)
    app.add_middleware(PageHeaders)
    app.router.routes.append(Route("/static/{digest}/{name:path}", assets.answer, methods=["GET"]))
    for module in ROUTES:
        app.include_router(module.router)
    return app


async def to_pages() -> RedirectResponse:
    """From the gateway's root to the pages."""
    return RedirectResponse(f"{PREFIX}/", 307)
