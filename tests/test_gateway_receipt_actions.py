"""Reading again and deleting: through the API, by the owner, with everything that was made of a receipt."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from gateway_helpers import JPEG, Gateway
from ledger_helpers import EXTRACTION, begun, count, expensed, gone, some_fields, state_of
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, LogFilter, LogFilterFlowRunId
from prefect.exceptions import ObjectNotFound

from deployments.gateway.services import late_events
from deployments.gateway.services.prefect_events import PrefectEvents
from deployments.stack import Stack
from flows.flow_runs.submission import OrchestratorUnavailableError
from flows.ledger.receipts import claim_content, record_expense, record_quarantine
from flows.pipeline.artifacts import summary_key
from flows.pipeline.run_outcome import receipt_tag

pytest_plugins = ["gateway_helpers"]
SHA256 = "0d" * 32


def _expensed(gateway: Gateway, receipt_id: UUID) -> None:
    attempt = begun(gateway.ledger, receipt_id)
    with gateway.ledger.session() as session:
        claim_content(attempt, SHA256, session=session)
        record_expense(attempt, some_fields(), EXTRACTION, session=session)
    for name in ("extract_text/1.json", "preview.jpg"):
        gateway.parts.results.put(f"{SHA256}/{name}", b"{}")


async def test_a_receipt_is_read_again_and_its_expense_stays_meanwhile(gateway: Gateway) -> None:
    attempt = expensed(gateway.ledger)
    answer = await gateway.anna.post(f"/receipts/{attempt.receipt_id}/retry")
    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    assert state_of(gateway.ledger, attempt.receipt_id) == "waiting"
    assert len((await gateway.anna.get("/expenses")).json()["items"]) == 1
    assert gateway.parts.submissions.waiting == 1


async def test_one_that_is_being_read_is_neither_retried_nor_deleted(gateway: Gateway) -> None:
    receipt_id = UUID((await gateway.accepted())["receipt_id"])
    begun(gateway.ledger, receipt_id)
    assert (await gateway.anna.post(f"/receipts/{receipt_id}/retry")).status_code == 409
    assert (await gateway.anna.delete(f"/receipts/{receipt_id}")).status_code == 409


async def _with_artifacts(receipt_id: UUID, key: str) -> UUID:
    """A flow run that attached a summary and a picture, as a receipt's does."""
    async with get_client() as client:
        flow_id = await client.create_flow_from_name("receipt-to-expense")
        body = {"flow_id": str(flow_id), "state": {"type": "COMPLETED"}}
        flow_run_id = (await client.request("POST", "/flow_runs/", json=body)).json()["id"]
        summary = {"key": summary_key(key, receipt_id), "type": "markdown", "data": "secret"}
        for artifact in (summary, {"type": "image", "data": "data:image/jpeg;base64,c2VjcmV0"}):
            await client.request("POST", "/artifacts/", json={**artifact, "flow_run_id": flow_run_id})
        assert len([one for one in await client.read_artifacts() if str(one.flow_run_id) == flow_run_id]) == 2
    return UUID(flow_run_id)


async def test_deleting_removes_everything_but_a_line_of_audit(
    gateway_with_prefect: Gateway, s3_client: Any, ledger_url: str
) -> None:
    gateway = gateway_with_prefect
    accepted = await gateway.accepted()
    receipt_id = UUID(accepted["receipt_id"])
    await asyncio.to_thread(_expensed, gateway, receipt_id)
    key = (await gateway.anna.get(accepted["status_url"])).json()["key"]
    flow_run_id = await _with_artifacts(receipt_id, key)

    assert (await gateway.anna.delete(accepted["status_url"])).status_code == 204

    assert (await gateway.anna.get(accepted["status_url"])).status_code == 404
    assert (await gateway.anna.delete(accepted["status_url"])).status_code == 404
    assert "Versions" not in s3_client.list_object_versions(Bucket="inbox", Prefix=key)
    assert s3_client.list_objects_v2(Bucket="results", Prefix=f"{SHA256}/")["KeyCount"] == 0
    for table in ("receipts", "expenses", "line_items", "extractions", "contents", "uploads", "notifications"):
        assert count(gateway.ledger, table) == 0, table
    await _nothing_left_of(flow_run_id)
    with psycopg.connect(ledger_url.replace("+psycopg", "")) as connection:
        audit = connection.execute("SELECT * FROM state_changes ORDER BY id DESC LIMIT 1").fetchall()
    assert "deleted through the API" in repr(audit)
    assert "Markt" not in repr(audit)


async def _nothing_left_of(flow_run_id: UUID) -> None:
    """No run, no artifact, no task run, and in a moment no log of it is in Prefect's database."""
    async with get_client() as client:
        with pytest.raises(ObjectNotFound):
            await client.read_flow_run(flow_run_id)
        assert all(artifact.flow_run_id != flow_run_id for artifact in await client.read_artifacts())
        of_run = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
        assert await client.read_task_runs(flow_run_filter=of_run) == []
        logs = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run_id]))
        async with asyncio.timeout(60):
            while await client.read_logs(log_filter=logs):  # noqa: ASYNC110  # Prefect removes them in the background
                await asyncio.sleep(0.1)


async def test_every_flow_run_of_a_receipt_goes_with_its_states_and_logs(
    gateway_with_prefect: Gateway,
) -> None:
    gateway = gateway_with_prefect
    accepted = await gateway.accepted()
    receipt_id = UUID(accepted["receipt_id"])
    runs = [await _with_artifacts(uuid4(), "anna/1.jpg") for _ in range(2)]
    for flow_run_id in runs:
        attempt = await asyncio.to_thread(begun, gateway.ledger, receipt_id, flow_run_id, process_is_gone=gone)
    async with get_client() as client:
        message = {"name": "flow", "level": 20, "message": "Markt am Eck", "timestamp": "2026-11-28T10:00:00Z"}
        logs = [message | {"flow_run_id": str(flow_run_id)} for flow_run_id in runs]
        await client.request("POST", "/logs/", json=logs)

    def end() -> None:
        with gateway.ledger.session() as session:
            record_quarantine(attempt, "Markt am Eck", session=session)

    await asyncio.to_thread(end)
    assert (await gateway.anna.delete(accepted["status_url"])).status_code == 204
    for flow_run_id in runs:
        await _nothing_left_of(flow_run_id)


def _events(prefect: Stack, words: str) -> int:
    """How many of Prefect's events have these words."""
    text = "concat(events.resource, events.payload, events.related, event_resources.resource)"
    joined = "events FULL JOIN event_resources ON event_id = events.id"
    with _prefect_database(prefect) as connection:
        query = f"SELECT count(DISTINCT coalesce(events.id, event_id)) FROM {joined} WHERE {text} LIKE %s"  # noqa: S608
        return int(connection.execute(query, [f"%{words}%"]).fetchone()[0])  # type: ignore[index]


def _prefect_database(prefect: Stack) -> psycopg.Connection[Any]:
    return psycopg.connect(prefect.settings.database_url("prefect").replace("+psycopg", ""), autocommit=True)


async def test_prefect_keeps_no_event_that_names_a_deleted_receipt(
    gateway_with_prefect: Gateway, prefect_api: Stack
) -> None:
    """Of its runs, of those that found it done, and of our own event; events of others stay."""
    gateway, secret = gateway_with_prefect, f"Markt {uuid4()}"
    accepted, other = await gateway.accepted(), await gateway.accepted(JPEG + b"other")
    receipt_id = UUID(accepted["receipt_id"])
    own, idle = [await _run_with_events(secret, tags) for tags in ([], [receipt_tag(receipt_id)])]
    kept = await _run_with_events("Bäcker", [receipt_tag(UUID(other["receipt_id"]))])
    await _emitted((receipt_id, secret, own))
    attempt = await asyncio.to_thread(begun, gateway.ledger, receipt_id, own)

    def end() -> None:
        with gateway.ledger.session() as session:
            record_quarantine(attempt, secret, session=session)

    await asyncio.to_thread(end)

    events = partial(_events, prefect_api)
    async with asyncio.timeout(60):
        while (  # noqa: ASYNC110  # the server writes them with a delay
            await asyncio.to_thread(events, secret) < 5 or await asyncio.to_thread(events, str(kept)) < 2
        ):
            await asyncio.sleep(0.2)
    assert (await gateway.anna.delete(accepted["status_url"])).status_code == 204
    for words in (secret, str(own), str(idle), str(receipt_id)):
        assert await asyncio.to_thread(events, words) == 0, words
    assert await asyncio.to_thread(events, str(kept)) >= 2
    await _nothing_left_of(idle)


async def _run_with_events(name: str, tags: list[str]) -> UUID:
    """A run that ended, of whose states Prefect's server has told."""
    async with get_client() as client:
        flow_id = await client.create_flow_from_name("receipt-to-expense")
        body = {"flow_id": str(flow_id), "name": name, "tags": tags, "state": {"type": "PENDING"}}
        flow_run_id = (await client.request("POST", "/flow_runs/", json=body)).json()["id"]
        for kind in ("RUNNING", "COMPLETED"):
            state = {"type": kind, "name": kind.capitalize(), "message": f"{kind} {name}"}
            await client.request("POST", f"/flow_runs/{flow_run_id}/set_state", json={"state": state})
    return UUID(flow_run_id)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Late events are looked for all the time."""
    monkeypatch.setattr(late_events, "_LOOK_SECONDS", 0.1)
    monkeypatch.setattr(late_events, "_AGAIN_SECONDS", (0.1, *(float(seconds) for seconds in range(1, 60))))


@pytest.mark.usefixtures("often")
async def test_an_event_that_comes_after_the_deletion_goes_too(
    gateway_with_prefect: Gateway, prefect_api: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where Prefect's database is being made anew just when it is looked for."""
    gateway, secret = gateway_with_prefect, f"Markt {uuid4()}"
    accepted = await gateway.accepted()
    receipt_id = UUID(accepted["receipt_id"])
    assert (await gateway.anna.delete(accepted["status_url"])).status_code == 204
    with _prefect_database(prefect_api) as connection:
        connection.execute("ALTER TABLE event_resources RENAME TO elsewhere")
        async with asyncio.timeout(30):
            while "are left, to be removed later" not in caplog.text:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        connection.execute("ALTER TABLE elsewhere RENAME TO event_resources")
    await _written(prefect_api, receipt_id, secret)
    await _is_gone(prefect_api, secret)


@pytest.mark.usefixtures("often")
async def test_a_gateway_that_starts_takes_up_the_deletions_of_the_last_hour(
    gateway_with_prefect: Gateway, prefect_api: Stack
) -> None:
    gateway, secret = gateway_with_prefect, f"Markt {uuid4()}"
    accepted = await gateway.accepted()
    gateway.parts.orchestrator._late_events = None  # it is killed before it looks again
    assert (await gateway.anna.delete(accepted["status_url"])).status_code == 204
    await _written(prefect_api, UUID(accepted["receipt_id"]), secret)
    events = PrefectEvents(prefect_api.settings.database_url("prefect"))
    looking = asyncio.create_task(late_events.LateEvents(events, gateway.ledger).run())
    try:
        await _is_gone(prefect_api, secret)
    finally:
        looking.cancel()


async def _written(prefect: Stack, receipt_id: UUID, key: str) -> None:
    """Prefect's server has written an event of a receipt, as it has another one that came behind it."""
    control = f"Bäcker {uuid4()}"
    await _emitted((receipt_id, key, uuid4()), (uuid4(), control, uuid4()))
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(_events, prefect, control):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def _emitted(*received: tuple[UUID, str, UUID]) -> None:
    """Prefect's server was sent an event of each of these receipts, by its id, its key and its flow run's id.

    By a process of its own: in this one, events of earlier tests may still wait for a server that is gone.
    """
    argv = [sys.executable, "-c", _EMIT, *(str(each) for one in received for each in one)]
    await asyncio.to_thread(subprocess.run, argv, check=True, timeout=120)


_EMIT = """
import sys, uuid
from prefect.events.worker import EventsWorker
from flows.flow_runs.events import emit_received
from flows.ledger.values import WaitingReceipt

names = iter(sys.argv[1:])
for receipt, key, run in zip(names, names, names):
    emit_received(WaitingReceipt(uuid.UUID(receipt), "inbox", key, "anna", 0, None, 0), uuid.UUID(run))
EventsWorker.instance().drain()
"""


async def _is_gone(prefect: Stack, words: str) -> None:
    async with asyncio.timeout(30):
        while await asyncio.to_thread(_events, prefect, words):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_without_prefects_database_its_events_are_left_to_its_retention(gateway_with_prefect: Gateway) -> None:
    gateway = gateway_with_prefect
    broken = PrefectEvents("postgresql+psycopg://nobody@127.0.0.1:1/prefect")
    with pytest.raises(OrchestratorUnavailableError, match="events cannot be deleted"):
        await asyncio.to_thread(broken.remove, [uuid4()], [])
    accepted = await gateway.accepted()
    gateway.parts.orchestrator._events = broken
    assert (await gateway.anna.delete(accepted["status_url"])).status_code == 503
    gateway.parts.orchestrator._events = None
    assert (await gateway.anna.delete(accepted["status_url"])).status_code == 204


async def test_a_deletion_that_is_cut_off_finds_the_rest_when_it_is_tried_again(
    gateway_with_prefect: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture is found by its run's summary, so that goes last."""
    gateway = gateway_with_prefect
    accepted = await gateway.accepted()
    key = (await gateway.anna.get(accepted["status_url"])).json()["key"]
    flow_run_id = await _with_artifacts(UUID(accepted["receipt_id"]), key)
    client, deleted = gateway.parts.orchestrator._client, list[UUID]()
    delete = client.delete_artifact

    async def cut_off(artifact_id: UUID) -> None:
        if deleted:
            raise httpx.ConnectError("gone")
        deleted.append(artifact_id)
        await delete(artifact_id)

    with monkeypatch.context() as patched:
        patched.setattr(client, "delete_artifact", cut_off)
        assert (await gateway.anna.delete(accepted["status_url"])).status_code == 503
    assert (await gateway.anna.delete(accepted["status_url"])).status_code == 204
    async with get_client() as reader:
        assert all(artifact.flow_run_id != flow_run_id for artifact in await reader.read_artifacts())


async def test_without_prefect_nothing_is_half_deleted(gateway: Gateway) -> None:
    accepted = await gateway.accepted()
    assert (await gateway.anna.delete(accepted["status_url"])).status_code == 503
    assert (await gateway.anna.get(f"{accepted['status_url']}/image")).content == JPEG


async def test_deleted_content_may_come_again(gateway_with_prefect: Gateway) -> None:
    gateway = gateway_with_prefect
    accepted = await gateway.accepted()
    assert (await gateway.anna.delete(accepted["status_url"])).status_code == 204
    again = await gateway.accepted()
    assert again["duplicate"] is False
    assert again["receipt_id"] != accepted["receipt_id"]


async def test_unknown_ids_are_404(gateway: Gateway) -> None:
    for method, path in (("POST", f"/receipts/{uuid4()}/retry"), ("DELETE", f"/receipts/{uuid4()}")):
        assert (await gateway.anna.request(method, path)).status_code == 404
