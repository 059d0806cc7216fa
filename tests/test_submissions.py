"""Submitting goes on whatever becomes of deployment, Prefect's database and queue; /ready and /metrics say so."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from gateway_helpers import JPEG, Gateway
from ledger_helpers import received
from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from deployments.ingest import submissions as module
from deployments.ingest.submissions import Submissions
from flows.flow_runs import recovery, submission
from flows.flow_runs.submission import DEPLOYMENT, open_submitter
from flows.ledger.database import Ledger
from flows.ledger.receipts import get_receipt, waiting_among
from flows.receipt_to_expense import receipt_to_expense

pytest_plugins = ["gateway_helpers"]
_WAIT_SECONDS = 120


async def deploy(client: PrefectClient) -> uuid.UUID:
    """The deployment, made anew where it is missing."""
    flow_id = await client.create_flow(receipt_to_expense)
    return await client.create_deployment(flow_id=flow_id, name=DEPLOYMENT.partition("/")[2])


async def remove_deployment(client: PrefectClient) -> None:
    try:
        await client.delete_deployment((await client.read_deployment_by_name(DEPLOYMENT)).id)
    except ObjectNotFound:
        return


async def lose_everything(client: PrefectClient) -> None:
    """As the loss of Prefect's database: flow, deployment and runs are gone."""
    await remove_deployment(client)
    flow = await client.read_flow_by_name(DEPLOYMENT.partition("/")[0])
    await client.request("DELETE", f"/flows/{flow.id}")


@pytest.fixture
async def client(prefect_api: Any) -> AsyncIterator[PrefectClient]:
    async with get_client() as opened:
        await remove_deployment(opened)
        yield opened
        await remove_deployment(opened)


async def until(gateway: Gateway, receipt_id: str) -> uuid.UUID:
    """The receipt's flow run, once it has one."""
    async with asyncio.timeout(_WAIT_SECONDS):
        while True:
            found = (await gateway.anna.get(f"/receipts/{receipt_id}")).json()["flow_run_id"]
            if found:
                return uuid.UUID(found)
            await asyncio.sleep(0.1)


async def ready(gateway: Gateway, *, prefect: bool) -> dict[str, Any]:
    """What /ready says, once it says this of Prefect."""
    async with asyncio.timeout(_WAIT_SECONDS):
        while True:
            answer: dict[str, Any] = (await gateway.nobody.get("/ready")).json()
            if answer["prefect"] is prefect:
                return answer
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("loss", [remove_deployment, lose_everything])
async def test_submitting_goes_on_with_the_deployment_that_was_made_again(
    client: PrefectClient, gateway_with_prefect: Gateway, monkeypatch: pytest.MonkeyPatch, loss: Any
) -> None:
    monkeypatch.setattr(submission, "_FRESH_SECONDS", 0.0)
    monkeypatch.setattr(module, "_LONGEST_PAUSE_SECONDS", 0.5)
    gateway = gateway_with_prefect
    await deploy(client)
    await ready(gateway, prefect=True)
    await until(gateway, (await gateway.accepted())["receipt_id"])
    await loss(client)
    second = await gateway.accepted(JPEG + b"2")
    said = await ready(gateway, prefect=False)
    assert said["ready"] is True  # receipts are accepted all the same
    again = await deploy(client)
    await ready(gateway, prefect=True)
    run = await client.read_flow_run(await until(gateway, second["receipt_id"]))
    assert run.deployment_id == again
    assert "receiptflow_prefect_connected 1.0" in (await gateway.anna.get("/metrics")).text


async def test_a_full_queue_leaves_what_is_put_back_to_the_sweep(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 1)
    submissions = Submissions(ledger)
    submissions.add(uuid.uuid4())
    job = module._Job(uuid.uuid4(), asyncio.get_running_loop().create_future())
    submissions._put_back(job)
    assert await job.done is None
    assert submissions.left_to_sweep == 1


async def test_receipts_whose_deployment_is_gone_are_submitted_anew(client: PrefectClient, ledger: Ledger) -> None:
    """A run that was made for a deployment just before, or while, it was deleted: nothing can carry it out."""
    await deploy(client)
    receipt_id = received(ledger)
    async with open_submitter(ledger) as submitter:
        with ledger.session() as session:
            (waiting,) = waiting_among([receipt_id], session=session)
        await remove_deployment(client)
        stale = await submitter.submit(waiting)
        await client.set_flow_run_state(stale, Crashed(), force=True)
    again = await deploy(client)
    async with open_submitter(ledger) as submitter:
        lost = await recovery.resubmit_lost(client, ledger, submitter, quiet_seconds=0.0)
        assert lost.resubmitted == 1
        assert not await recovery.resubmit_lost(client, ledger, submitter, quiet_seconds=0.0)
    with ledger.session() as session:
        run_id = get_receipt(receipt_id, session=session).flow_run_id
    assert run_id is not None and run_id != stale
    assert (await client.read_flow_run(run_id)).deployment_id == again


async def test_a_service_that_fails_is_named_by_ready_and_metrics_and_works_again(
    gateway_with_prefect: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, read, failures = gateway_with_prefect, gateway_with_prefect.parts.watcher._read, [1]

    def fails_once(receipt_ids: list[uuid.UUID]) -> Any:
        if failures:
            failures.pop()
            raise ZeroDivisionError("unforeseen")
        return read(receipt_ids)

    monkeypatch.setattr(gateway.parts.watcher, "_read", fails_once)
    assert set((await gateway.nobody.get("/ready")).json()["services"].values()) == {"running"}
    accepted = await gateway.accepted()
    poll = asyncio.create_task(gateway.anna.get(f"{accepted['status_url']}?wait=3"))
    await poll
    said = (await gateway.nobody.get("/ready")).json()["services"]
    others = dict.fromkeys(("submissions", "mail_watcher", "webhook_sender", "late_events"), "running")
    assert said == {"change_watcher": "failing"} | others
    metrics = (await gateway.anna.get("/metrics")).text
    assert 'receiptflow_service_failures{service="change_watcher"} 1.0' in metrics
    assert 'receiptflow_service_healthy{service="change_watcher"} 0.0' in metrics
    assert gateway.parts.services.states["change_watcher"].running
