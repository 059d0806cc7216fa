"""What the gateway's routes work with, opened once a process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import aiohttp
import httpx
from fastapi import Depends, Request

from deployments.gateway.http.auth import ApiKeyCache
from deployments.gateway.http.rate_limits import Rates
from deployments.gateway.http.request_metrics import RequestMetrics
from deployments.gateway.services.book_servers import BookServers
from deployments.gateway.services.change_watcher import Watcher
from deployments.gateway.services.intake import Intake
from deployments.gateway.services.late_events import LateEvents
from deployments.gateway.services.object_store import ObjectStore
from deployments.gateway.services.openid import OpenIdProvider
from deployments.gateway.services.orchestrator import Orchestrator, open_orchestrator
from deployments.gateway.services.originals import Originals
from deployments.gateway.services.prefect_events import PrefectEvents
from deployments.gateway.services.webhook_sender import deliver_for_ever
from deployments.ingest.bucket_events import EventReceiver
from deployments.ingest.mail_watcher import MailWatcher
from deployments.ingest.submissions import Submissions
from deployments.s3 import s3_client, s3_credentials
from deployments.settings import GatewaySettings
from deployments.warm_worker.background import BackgroundServices
from flows.ledger.database import Ledger, open_ledger
from flows.storage import Inbox, Results

_CONNECTIONS = 32
_PROVIDER_SECONDS = 10.0
_DATABASE_CONNECTIONS = 8
# Threads wait for the database more than they compute; asyncio's own default on two cores is 6.
_THREADS = 16


@dataclass
class GatewayContext:
    """The opened parts of one gateway."""

    settings: GatewaySettings
    ledger: Ledger
    s3: Any
    public_s3: Any
    inbox: Inbox
    results: Results
    store: ObjectStore
    keys: ApiKeyCache
    rates: Rates
    submissions: Submissions
    intake: Intake
    receiver: EventReceiver
    watcher: Watcher
    orchestrator: Orchestrator
    book_servers: BookServers
    metrics: RequestMetrics
    services: BackgroundServices
    openid: OpenIdProvider | None

    def originals(self, bucket: str) -> Originals:
        """A bucket that receipts came from."""
        return Originals(self.s3, bucket)


@asynccontextmanager
async def open_context(settings: GatewaySettings) -> AsyncIterator[GatewayContext]:
    """Open everything. Nothing needs to answer yet: each part is tried when it is first used."""
    async with AsyncExitStack() as stack:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, "gateway"))
        ledger = open_ledger(
            settings.ledger_url.get_secret_value(),
            pool_size=_DATABASE_CONNECTIONS,
            application_name="receiptflow-gateway",
        )
        stack.callback(ledger.close)
        s3 = s3_client(settings, settings.s3_endpoint_url)
        connector = aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=30)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        inbox = Inbox(s3, settings.inbox_bucket)
        store = ObjectStore(inbox, session, s3_credentials(settings), s3.meta.endpoint_url, settings.s3_region)
        submissions, watcher = Submissions(ledger), Watcher(ledger)
        url = settings.prefect_database_url
        events = PrefectEvents(url.get_secret_value()) if url else None
        late_events = LateEvents(events, ledger) if events else None
        orchestrator = await stack.enter_async_context(open_orchestrator(events, late_events))
        context = GatewayContext(
            settings=settings,
            ledger=ledger,
            s3=s3,
            public_s3=s3_client(settings, settings.s3_public_url) if settings.s3_public_url else s3,
            inbox=inbox,
            results=Results(s3, settings.results_bucket),
            store=store,
            keys=ApiKeyCache(ledger),
            rates=Rates(settings.request_rate, settings.upload_rate, settings.refusal_rate, settings.region_rate),
            submissions=submissions,
            intake=Intake(settings.inbox_bucket, ledger, store, submissions),
            receiver=EventReceiver(inbox, ledger, submissions.add),
            watcher=watcher,
            orchestrator=orchestrator,
            book_servers=BookServers(
                orchestrator.client,
                allow_private=settings.exports_allow_private,
                prefect_ui_url=settings.prefect_ui_url,
            ),
            metrics=RequestMetrics(),
            services=BackgroundServices(logging.getLogger("receiptflow.gateway")),
            openid=await _open_id(settings, stack),
        )
        stack.push_async_callback(context.services.stop)
        context.services.start("submissions", submissions.run)
        context.services.start("change_watcher", watcher.run)
        if late_events is not None:
            context.services.start("late_events", late_events.run)
        context.services.start("mail_watcher", MailWatcher(orchestrator.client).run)
        deliver = partial(
            deliver_for_ever,
            ledger,
            allow_private=settings.webhooks_allow_private,
            public_url=settings.public_url,
        )
        context.services.start("webhook_sender", deliver)
        yield context


async def _open_id(settings: GatewaySettings, stack: AsyncExitStack) -> OpenIdProvider | None:
    if not settings.oidc_issuer:
        return None
    client = await stack.enter_async_context(httpx.AsyncClient(follow_redirects=False, timeout=_PROVIDER_SECONDS))
    return OpenIdProvider(settings, client)


def _context_of(request: Request) -> GatewayContext:
    context: GatewayContext = request.app.state.context
    return context


Context = Annotated[GatewayContext, Depends(_context_of)]
