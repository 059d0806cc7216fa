"""Servers go away in the middle of a receipt, and all that one of them knew can be lost: each receipt is processed
all the same, each finished step was executed once."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest
from prefect.states import Failed, Pending
from pydantic import SecretStr
from recovery_helpers import Live, deploy_test_flow, kill, picture, storage_of, until

from deployments.provisioning.prefect_objects import provision
from deployments.warm_worker.claims import claim_message
from deployments.warm_worker.record_cache import FRESH_SECONDS
from flows.ledger.receipts import counts_by_state, show_receipt
from flows.ledger.schema import State

pytestmark = pytest.mark.slow

_AWAY_SECONDS = 6.0


def keep_away(live: Live, part: str, seconds: float = _AWAY_SECONDS) -> None:
    """Have a server refuse connections for a while: it is killed as often as it comes back."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if pid := live.stack.pids().get(part):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.1)
    until(lambda: live.stack.ready(part), f"{part}'s return")


@pytest.mark.parametrize("part", ["prefect", "seaweedfs", "postgres"])
def test_server_away_while_a_step_works_costs_nothing_but_time(live: Live, part: str) -> None:
    """The result is written, the outcome recorded and the state reported once the server is back."""
    before = len(live.lines("extract_text"))
    receipt_id = live.add(picture("slow=4"))
    live.started("extract_text", times=before + 1)
    keep_away(live, part)
    receipt = live.require_one_expense(receipt_id)
    assert "RolledBack" not in live.task_states(receipt)
    assert receipt.sha256 is not None
    assert live.pipeline.results.get(f"{receipt.sha256}/preview.jpg") is not None


def test_worker_dies_while_the_server_is_away(live: Live) -> None:
    """The next worker waits for the server and resumes what the dead one had claimed."""
    before = len(live.lines("extract_text"))
    receipt_id = live.add(picture("slow=3"))
    live.started("extract_text", times=before + 1)
    os.kill(live.stack.pids()["prefect"], signal.SIGKILL)
    kill([live.worker()])
    receipt = live.require_one_expense(receipt_id)
    assert live.run(receipt).run_count == 2


def test_server_away_while_a_result_is_being_recorded(live: Live) -> None:
    """What is recorded is in the ledger alone: the buckets may be away while it is written."""
    before = len(live.lines("record_expense"))
    receipt_id = live.add(picture())
    live.started("record_expense", times=before + 1)
    keep_away(live, "seaweedfs")
    live.require_one_expense(receipt_id)
    assert len(live.lines("record_expense", subject=str(receipt_id))) == 1


def test_run_that_failed_before_its_owner_was_notified_is_resumed(live: Live) -> None:
    """As when the receiver of a notification was away for longer than the step's retries last."""
    receipt = live.require_one_expense(live.add(picture()))
    assert receipt.flow_run_id is not None
    with live.database("ledger") as ledger:
        ledger.execute("UPDATE notifications SET state = 'pending', sent_at = NULL WHERE receipt_id = %s", [receipt.id])
    live.client.set_flow_run_state(receipt.flow_run_id, Failed(message="the outside was away"), force=True)
    until(lambda: _told(live, receipt.id), "the notification")
    assert live.ended(receipt).state_name == "Completed"


def _told(live: Live, receipt_id: UUID) -> bool:
    with live.database("ledger") as ledger:
        query = "SELECT state FROM notifications WHERE receipt_id = %s"
        return ledger.execute(query, [receipt_id]).fetchall() == [("sent",)]


def test_run_orphaned_in_pending_is_resumed(live: Live) -> None:
    """As after the death of a worker that had claimed it: no process ever began it."""
    kill(live.worker_tree())
    receipt_id = live.add(picture())
    run_id = live.receipt(receipt_id).flow_run_id
    assert run_id is not None
    # A claim of this process's own pid, but of another start: a process that is gone.
    name, _, rest = claim_message("embedded").rpartition(" (")
    gone = f"{name.rpartition(' ')[0]} 1 ({rest}"
    live.client.set_flow_run_state(run_id, Pending(message=gone), force=True)
    live.require_one_expense(receipt_id)


def test_new_version_of_a_step_while_a_run_is_in_flight(live: Live) -> None:
    """A run that began before goes on after its process died; what is posted was read in one version throughout."""
    before = len(live.lines("extract_text"))
    old = live.add(picture(f"slow={FRESH_SECONDS + 3}"))
    line = live.started("extract_text", times=before + 1)
    deploy_test_flow(live.client, version="2")
    time.sleep(FRESH_SECONDS)  # so long a worker may go on with the deployment as it knows it
    kill([process for process in live.worker_tree() if process.pid == line.pid])
    new = live.add(picture())
    for receipt_id in (old, new):
        live.require_one_expense(receipt_id)
        with live.pipeline.ledger.session() as session:
            (read,) = show_receipt(receipt_id, session=session).extractions
        assert read.engine_version in read.words_key
    assert "test2" in read.words_key
    deploy_test_flow(live.client)


def sweep_until(live: Live, condition: Callable[[], bool], what: str) -> None:
    """Run the sweep's deployment, as its schedule does, until there is nothing left to do for it."""
    deployment = live.client.read_deployment_by_name("sweep-inbox/inbox")

    def swept() -> bool:
        run = live.client.create_flow_run_from_deployment(deployment.id)
        until(lambda: (state := live.client.read_flow_run(run.id).state) and state.is_final(), "the end of a sweep")
        return condition()

    until(swept, what)


def test_lost_ledger_is_made_again_from_the_buckets_without_ocr(live: Live) -> None:
    receipt_id = live.add(picture(), owner="keeper")
    known = live.require_one_expense(receipt_id)
    with live.database("ledger") as ledger:
        (expenses,) = ledger.execute("SELECT count(*) FROM expenses").fetchone() or (0,)
        ledger.execute("TRUNCATE receipts, contents, extractions, expenses, notifications CASCADE")
    sweep_until(live, lambda: _all_processed(live), "all receipts to be processed")
    # Only this one's: others were read in a version that is not deployed any more.
    assert known.sha256 is not None
    assert len(live.lines("extract_text", subject=known.sha256)) == 1
    with live.database("ledger") as ledger:
        assert ledger.execute("SELECT count(*) FROM expenses").fetchone() == (expenses,)
        again = ledger.execute("SELECT state FROM receipts WHERE key = %s", [known.key]).fetchone()
    assert again == (known.state.value,)


def test_prefects_database_lost_entirely_costs_no_receipt_and_no_second_expense(live: Live) -> None:
    """Dropped while receipts wait and run; provisioned again, as `receiptflow up` does, and swept."""
    before = len(live.lines("extract_text"))
    ids = [live.add(picture("slow=2")) for _ in range(4)]
    live.started("extract_text", times=before + 1)
    live.stack.pids()
    with psycopg.connect(
        host=str(live.stack.settings.socket_dir), user="postgres", dbname="postgres", autocommit=True
    ) as postgres:
        postgres.execute("DROP DATABASE prefect WITH (FORCE)")
        postgres.execute("CREATE DATABASE prefect")
    kill(live.worker_tree())
    keep_away(live, "prefect", seconds=0.5)
    asyncio.run(provision(storage_of(live.stack), SecretStr(live.stack.environment["RECEIPTFLOW_LEDGER_URL"])))
    deploy_test_flow(live.client)
    sweep_until(live, lambda: _all_processed(live), "all receipts to be processed")
    for receipt_id in ids:
        receipt = live.final(receipt_id)
        assert receipt.state in {State.EXPENSED, State.REVIEW}
        live.require_single_effects(receipt)


def _all_processed(live: Live) -> bool:
    with live.pipeline.ledger.session() as session:
        counts = counts_by_state(session=session)
    return counts[State.WAITING] == counts[State.RUNNING] == 0
