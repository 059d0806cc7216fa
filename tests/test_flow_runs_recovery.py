"""Recovery finds every receipt whose run stopped too early, also behind many that have nothing left to do."""

from __future__ import annotations

import asyncio
import uuid

import psycopg
import pytest
from ledger_helpers import PROCESS, alive, begun, received
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.flows import flow
from prefect.states import Crashed, Running

from deployments.stack import Stack
from flows.flow_runs import recovery
from flows.flow_runs.submission import Submitter
from flows.ledger.database import Ledger
from flows.ledger.receipts import (
    begin_attempt,
    give_to_run,
    has_unended,
    mark_submitted,
    receipt_of_flow_run,
    record_quarantine,
    unnotified,
)
from flows.ledger.values import AlreadyFinal

_PAGE = 3


@flow
def nothing() -> None:
    """Only its runs' states matter here."""


async def _crashed_run(deployment_id: uuid.UUID) -> FlowRun:
    async with get_client() as client:
        run = await client.create_flow_run_from_deployment(deployment_id)
        for state in (Running(), Crashed()):
            await client.set_flow_run_state(run.id, state, force=True)
        return run


async def _deploy() -> uuid.UUID:
    async with get_client() as client:
        flow_id = await client.create_flow(nothing)
        return await client.create_deployment(flow_id=flow_id, name=uuid.uuid4().hex)


def _is_anything_open(ledger: Ledger) -> bool:
    with ledger.session() as session:
        return has_unended(session=session)


@pytest.mark.usefixtures("prefect_api")
def test_open_receipt_is_found_behind_pages_of_runs_that_are_done(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "_PAGE", _PAGE)
    monkeypatch.setattr(recovery, "_LONGEST_WAIT_SECONDS", 0)
    asyncio.run(_hidden_run_is_found(ledger))


async def _hidden_run_is_found(ledger: Ledger) -> None:
    deployment_id = await _deploy()
    hidden = await _crashed_run(deployment_id)
    waiting = received(ledger)
    assert not _is_anything_open(ledger), "no run has it"
    begun(ledger, waiting, hidden.id)
    assert _is_anything_open(ledger)
    for _ in range(2 * _PAGE):
        await _crashed_run(deployment_id)
    async with get_client() as client:
        assert not await recovery.resume_stopped(client, ledger, deployment_id)
        assert (await recovery.resume_stopped(client, ledger, deployment_id, deep=True)).resumed == 1
        run = await client.read_flow_run(hidden.id)
        assert run.state is not None
        assert (run.state.name, run.state.state_details.scheduled_time) == ("AwaitingRetry", hidden.expected_start_time)
    with ledger.session() as session:
        assert receipt_of_flow_run(hidden.id, session=session) is not None


@pytest.mark.parametrize("others", [0, 2 * _PAGE], ids=["few open receipts", "a backlog"])
async def test_a_run_that_stopped_weeks_ago_is_resumed(
    ledger: Ledger, prefect_api: Stack, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    """As after a long weekend with the machine off, whichever of ledger and Prefect has less to look through."""
    monkeypatch.setattr(recovery, "_PAGE", _PAGE)
    monkeypatch.setattr(recovery, "_LONGEST_WAIT_SECONDS", 0)
    deployment_id = await _deploy()
    old = await _crashed_run(deployment_id)
    begun(ledger, received(ledger), old.id)
    for number in range(others):
        waiting = received(ledger, f"anna/{number}.jpg")
        with ledger.session() as session:
            mark_submitted(waiting, uuid.uuid4(), session=session)
    for _ in range(_PAGE + 1):
        await _crashed_run(deployment_id)
    host = str(prefect_api.settings.socket_dir)
    with psycopg.connect(host=host, user="postgres", dbname="prefect", autocommit=True) as connection:
        connection.execute("UPDATE flow_run SET end_time = end_time - interval '20 days' WHERE id = %s", [old.id])
    async with get_client() as client:
        assert not await recovery.resume_stopped(client, ledger, deployment_id)
        assert (await recovery.resume_stopped(client, ledger, deployment_id, deep=True)).resumed == 1
        assert not await recovery.resume_stopped(client, ledger, deployment_id, deep=True)


async def test_a_final_receipt_whose_owner_was_not_notified_is_looked_for_too(
    ledger: Ledger, prefect_api: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "_LONGEST_WAIT_SECONDS", 0)
    deployment_id = await _deploy()
    run = await _crashed_run(deployment_id)
    attempt = begun(ledger, received(ledger), run.id)
    with ledger.session() as session:
        record_quarantine(attempt, "broken", code="Broken", session=session)
    assert _is_anything_open(ledger), "its owner is to be notified"
    async with get_client() as client:
        assert (await recovery.resume_stopped(client, ledger, deployment_id, deep=True)).resumed == 1


async def test_an_owner_whose_run_was_lost_before_it_told_them_is_told_by_another_run(
    ledger: Ledger, prefect_api: Stack
) -> None:
    """As when Prefect's database is lost between the commit and the message. Only where no run goes on with it."""
    deployment_id = await _deploy()
    gone, going_on = uuid.uuid4(), (await _crashed_run(deployment_id)).id
    for key, run_id in (("anna/1.jpg", gone), ("anna/2.jpg", going_on)):
        attempt = begun(ledger, received(ledger, key), run_id)
        with ledger.session() as session:
            record_quarantine(attempt, "broken", session=session)
    async with get_client() as client:
        submitter = Submitter(client, await client.read_deployment(deployment_id), ledger)
        submitter._read_at = float("inf")  # no other deployment is looked up
        assert not await recovery.resubmit_lost(client, ledger, submitter, quiet_seconds=3600)
        assert (await recovery.resubmit_lost(client, ledger, submitter, quiet_seconds=0)).resubmitted == 1
        with ledger.session() as session:
            assert receipt_of_flow_run(gone, session=session) is None
            views = {view.key: view for view in unnotified(session=session, quiet_seconds=0)}
        view = views["anna/1.jpg"]
        assert view.flow_run_id is not None
        run = await client.read_flow_run(view.flow_run_id)
        assert (run.deployment_id, run.parameters["key"]) == (deployment_id, "anna/1.jpg")
        assert not await recovery.resubmit_lost(client, ledger, submitter, quiet_seconds=0), "that one goes on"


async def test_the_run_that_is_to_notify_finds_its_receipt_and_what_is_unsent(ledger: Ledger) -> None:
    attempt = begun(ledger, received(ledger), uuid.uuid4())
    with ledger.session() as session:
        record_quarantine(attempt, "broken", session=session)
    second = uuid.uuid4()
    with ledger.session() as session:
        assert give_to_run(attempt.receipt_id, attempt.flow_run_id, second, session=session)
        assert not give_to_run(attempt.receipt_id, attempt.flow_run_id, uuid.uuid4(), session=session), "it went on"
        again = begin_attempt(attempt.receipt_id, second, PROCESS, process_is_gone=alive, session=session)
    assert isinstance(again, AlreadyFinal) and again.unsent == 1
