"""Create the flow run of a received object, exactly one however often it is tried.

The idempotency key is the receipt, the pipeline's version and how often it was reopened; Prefect answers a repeated
key with the run that exists. A refused submission is repeated with the same key, at once and then ever more slowly.

The run is created as a run of the deployment that names everything itself. Prefect's route "create flow run from
deployment" would read the deployment and check two JSON schemas each time, which costs its server a fifth more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound

from flows.domain.errors import ConfigurationError, TransientError
from flows.flow_runs.events import emit_received
from flows.ledger.database import Ledger
from flows.ledger.receipts import give_to_run, mark_submitted
from flows.ledger.values import WaitingReceipt

DEPLOYMENT = "receipt-to-expense/receipt"
# Single uploads go ahead of backfills: the pool's queues have these names, and their priorities in this order.
FRESH_QUEUE = "fresh"
BACKLOG_QUEUE = "backlog"
# Raised when runs submitted by an older release must not be taken for this one's.
PIPELINE_VERSION = "1"
AT_ONCE = 8
# A change of the deployment's tags or work pool holds for what is submitted this much later.
_FRESH_SECONDS = 30.0
_WAITS_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


class OrchestratorUnavailableError(TransientError):
    """Prefect's server did not take the submission; the object is safe and the sweep submits it."""


class Submitter:
    """Submits received objects to the deployment; keeps one client and the deployment as it was a moment ago."""

    def __init__(self, client: PrefectClient, deployment: DeploymentResponse, ledger: Ledger) -> None:
        self.client, self._deployment, self._ledger = client, deployment, ledger
        self._read_at = time.monotonic()

    async def submit(self, receipt: WaitingReceipt, queue: str = FRESH_QUEUE) -> UUID:
        """The flow run of a receipt, created unless it exists, noted in the ledger and emitted as a Prefect event."""
        flow_run_id = await self._create(receipt, queue, idempotency_key(receipt))
        is_first = await asyncio.to_thread(self._note, receipt, flow_run_id)
        if is_first and not receipt.reopened:
            emit_received(receipt, flow_run_id)
        return flow_run_id

    async def submit_to_notify(self, receipt: WaitingReceipt, lost: UUID) -> UUID:
        """A run for a receipt that is final, which does nothing but send what its lost run left unsent.

        Raises:
            OrchestratorUnavailableError: Prefect is away.
        """
        flow_run_id = await self._create(receipt, FRESH_QUEUE, f"{idempotency_key(receipt)}:after:{lost}")
        await asyncio.to_thread(self._give, receipt.receipt_id, lost, flow_run_id)
        return flow_run_id

    def _give(self, receipt_id: UUID, lost: UUID, flow_run_id: UUID) -> None:
        with self._ledger.session() as session:
            give_to_run(receipt_id, lost, flow_run_id, session=session)

    async def submit_all(self, receipts: Sequence[WaitingReceipt], queue: str = BACKLOG_QUEUE) -> list[UUID]:
        """Submit several in order of arrival, a few at once."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(receipt: WaitingReceipt) -> UUID:
            async with slots:
                return await self.submit(receipt, queue)

        return list(await asyncio.gather(*(one(receipt) for receipt in receipts)))

    async def _create(self, receipt: WaitingReceipt, queue: str, key: str) -> UUID:
        refused: Exception | None = None
        for wait in (0.0, *_WAITS_SECONDS):
            await asyncio.sleep(wait)
            try:
                return await self._create_once(receipt, queue, key)
            except (httpx.TransportError, httpx.HTTPStatusError) as error:
                if isinstance(error, httpx.HTTPStatusError) and error.response.status_code < 500:
                    raise
                refused = error
        raise OrchestratorUnavailableError(f"Prefect's server does not take submissions: {refused}") from refused

    async def _create_once(self, receipt: WaitingReceipt, queue: str, key: str) -> UUID:
        deployment = await self._fresh_deployment()
        body = {
            "flow_id": str(deployment.flow_id),
            "deployment_id": str(deployment.id),
            "flow_version": PIPELINE_VERSION,
            "name": receipt.key,
            "parameters": {
                **deployment.parameters,
                **{"key": receipt.key, "bucket": receipt.bucket, "owner": receipt.owner},
            },
            "tags": [*deployment.tags, f"owner:{receipt.owner}"],
            "idempotency_key": key,
            "work_pool_name": deployment.work_pool_name,
            "work_queue_name": queue,
            "state": {"type": "SCHEDULED", "name": "Scheduled"},
        }
        response = await self.client.request("POST", "/flow_runs/", json=body)
        return UUID(response.json()["id"])

    async def _fresh_deployment(self) -> DeploymentResponse:
        if time.monotonic() - self._read_at > _FRESH_SECONDS:
            # By its name: it may have been deleted and made again, or Prefect's database may be another one.
            self._deployment = await _read_deployment(self.client)
            self._read_at = time.monotonic()
        return self._deployment

    def _note(self, receipt: WaitingReceipt, flow_run_id: UUID) -> bool | None:
        with self._ledger.session() as session:
            return mark_submitted(receipt.receipt_id, flow_run_id, idempotency_key(receipt), session=session)


def idempotency_key(receipt: WaitingReceipt) -> str:
    """The key under which a receipt's present generation has exactly one flow run."""
    return f"{receipt.receipt_id}:{PIPELINE_VERSION}:{receipt.reopened}"


@asynccontextmanager
async def open_submitter(ledger: Ledger) -> AsyncIterator[Submitter]:
    """A submitter with a client of its own; raises OrchestratorUnavailableError if the server is away."""
    async with get_client() as client:
        yield Submitter(client, await _read_deployment(client), ledger)


async def _read_deployment(client: PrefectClient) -> DeploymentResponse:
    try:
        return await client.read_deployment_by_name(DEPLOYMENT)
    except ObjectNotFound as error:
        raise ConfigurationError(f"The deployment {DEPLOYMENT} does not exist: run `prefect deploy --all`.") from error
    except (httpx.TransportError, httpx.HTTPStatusError) as error:
        raise OrchestratorUnavailableError(f"Prefect's server is not reachable: {error}") from error
