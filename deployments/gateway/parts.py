"""What the gateway's routes work with, opened once a process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import aiohttp
import boto3
from botocore.config import Config
from fastapi import Depends, Request

from deployments.bucket_events import EventReceiver
from deployments.gateway.access import KeyRing
from deployments.gateway.deliveries import deliver_for_ever
from deployments.gateway.intake import Intake
from deployments.gateway.metrics_registry import RequestMetrics
from deployments.gateway.object_store import ObjectStore
from deployments.gateway.orchestrator import Orchestrator, open_orchestrator
from deployments.gateway.originals import Originals
from deployments.gateway.rates import Rates
from deployments.gateway.settings import GatewaySettings
from deployments.gateway.submissions import Submissions
from deployments.gateway.watching import Watcher
from flows.ledger import Ledger, open_ledger
from flows.storage import Inbox, Results

_CONNECTIONS = 32
_DATABASE_CONNECTIONS = 8
# Threads wait for the database more than they compute; asyncio's own default on two cores is 6.
_THREADS = 16
_BOTO_CONFIG = Config(
    signature_version="s3v4",
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=16,
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


@dataclass
class Parts:
    """The opened parts of one gateway."""

    settings: GatewaySettings
    ledger: Ledger
    s3: Any
    public_s3: Any
    inbox: Inbox
    results: Results
    keys: KeyRing
    rates: Rates
    submissions: Submissions
    intake: Intake
    receiver: EventReceiver
    watcher: Watcher
    orchestrator: Orchestrator
    metrics: RequestMetrics

    def originals(self, bucket: str) -> Originals:
        """A bucket that receipts came from."""
        return Originals(self.s3, bucket)

    @property
    def kept(self) -> Originals:
        """The bucket of steps' results, to remove from."""
        return Originals(self.s3, self.settings.results_bucket)


def s3_client(settings: GatewaySettings, endpoint: str | None) -> Any:
    """A boto3 client for one S3 endpoint with the gateway's credentials."""
    secret = settings.s3_secret_key
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        config=_BOTO_CONFIG,
    )


@asynccontextmanager
async def open_parts(settings: GatewaySettings) -> AsyncIterator[Parts]:
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
        store = ObjectStore(inbox, session, s3._request_signer._credentials, s3.meta.endpoint_url, settings.s3_region)
        submissions, watcher = Submissions(ledger), Watcher(ledger)
        parts = Parts(
            settings=settings,
            ledger=ledger,
            s3=s3,
            public_s3=s3_client(settings, settings.s3_public_url or settings.s3_endpoint_url),
            inbox=inbox,
            results=Results(s3, settings.results_bucket),
            keys=KeyRing(ledger),
            rates=Rates(settings.request_rate, settings.upload_rate),
            submissions=submissions,
            intake=Intake(settings.inbox_bucket, ledger, store, submissions),
            receiver=EventReceiver(inbox, ledger, submissions.add),
            watcher=watcher,
            orchestrator=await stack.enter_async_context(open_orchestrator()),
            metrics=RequestMetrics(),
        )
        for work in (
            submissions.run(),
            watcher.run(),
            deliver_for_ever(ledger, allow_private=settings.webhooks_allow_private),
        ):
            _keep_running(stack, work)
        yield parts


def _keep_running(stack: AsyncExitStack, work: Any) -> None:
    """Run background work until the stack is closed."""
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)


def _parts_of(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


TheParts = Annotated[Parts, Depends(_parts_of)]
