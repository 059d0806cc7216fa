"""A receipt goes on by itself, as the same flow run, whatever process dies or hangs meanwhile.

Each test strikes the real pipeline at a moment that a step itself reports, and then counts: executions outside Prefect
and the ledger, rows, attempts.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections import Counter
from collections.abc import Iterator

import psutil
import pytest
from prefect.states import Cancelling, Crashed
from recovery_helpers import Live, document, kill, picture, until

from deployments.ingest.local_files import retry_receipt
from deployments.provisioning.prefect_objects import POOL
from deployments.warm_worker.claims import read_claim
from flows.flow_runs.submission import DEPLOYMENT
from flows.ledger.schema import State
from flows.pipeline.run_outcome import receipt_tag

_SLOW_COMMIT = """
    CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER slow_commit AFTER UPDATE ON receipts DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.state IN ('expensed', 'review')) EXECUTE FUNCTION slow_commit()
"""


@pytest.mark.parametrize(
    ("event", "step", "executed"),
    [
        ("started", "extract_text", 2),
        ("durable", "extract_text", 1),
        ("durable", "parse_receipt", 1),
        ("durable", "record_expense", 1),
    ],
)
def test_killed_flow_process_is_resumed_where_it_was(live: Live, event: str, step: str, executed: int) -> None:
    """What was durable is not executed again, what was cut off is; the dead attempt's task runs are closed."""
    before = len(live.lines(step, event))
    receipt_id = live.add(picture("slow=4"))
    kill([psutil.Process(live.started(step, event=event, times=before + 1).pid)])
    # The kill comes a moment after its event, and can meet the next steps during the ledger's commit.
    receipt = live.require_one_expense(receipt_id, unlogged="record_expense" if event == "durable" else "")
    assert receipt.sha256 is not None
    assert len(live.lines("extract_text", subject=receipt.sha256)) == executed
    if event == "started":
        assert "AwaitingRetry" in live.states(receipt)
        assert live.run(receipt).run_count == 2


def test_death_on_page_19_of_20_reads_one_page_again(live: Live) -> None:
    receipt_id = live.add(document(20, "slow-page=19:8"))
    before = len(live.lines("read_page", "durable"))
    line = live.started("read_page", times=before + 19)
    assert line.version.endswith("/19")
    kill([psutil.Process(line.pid)])
    receipt = live.require_one_expense(receipt_id)
    assert receipt.sha256 is not None
    started = Counter(line.version.rpartition("/")[2] for line in live.lines("read_page", subject=receipt.sha256))
    assert started == {str(number): 2 if number == 19 else 1 for number in range(1, 21)}
    kept = live.pipeline.s3.list_objects_v2(Bucket="results", Prefix=f"{receipt.sha256}/")["Contents"]
    assert not [one["Key"] for one in kept if "/read_page/" in one["Key"]], "they served the document's own result"


@pytest.fixture()
def slow_commit(live: Live) -> Iterator[None]:
    """The ledger takes three seconds to commit an outcome."""
    with live.database("ledger") as ledger:
        ledger.execute(_SLOW_COMMIT)
        yield
        ledger.execute("DROP TRIGGER slow_commit ON receipts; DROP FUNCTION slow_commit")


@pytest.mark.usefixtures("slow_commit")
def test_flow_process_killed_while_the_ledger_commits_has_recorded_once(live: Live) -> None:
    """The database goes on with a commit whose client is dead: the resumed run finds the outcome."""
    receipt_id = live.add(picture())
    record = live.started("record_expense", str(receipt_id))
    with live.database("ledger") as ledger:
        committing = "SELECT 1 FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = 'PgSleep'"
        until(lambda: ledger.execute(committing).fetchone(), "the commit", every_seconds=0.02)
    kill([psutil.Process(record.pid)])
    receipt = live.require_one_expense(receipt_id, unlogged="record_expense")
    assert not live.lines("record_expense", "durable", str(receipt_id)), "the kill came too late to prove anything"
    assert len(live.lines("record_expense", subject=str(receipt_id))) == 1
    assert live.run(receipt).run_count == 2


def test_resumed_run_goes_before_those_that_wait(live: Live) -> None:
    before = len(live.lines("extract_text"))
    first = live.add(picture("slow=4"))
    line = live.started("extract_text", times=before + 1)
    others = [live.add(picture("slow=1")) for _ in range(6)]
    kill([psutil.Process(line.pid)])
    for receipt_id in (first, *others):
        live.require_one_expense(receipt_id)
    order = sorted((first, *others), key=lambda receipt_id: live.receipt(receipt_id).finished_at or 0)
    assert order.index(first) <= 3, "only what ran beside it may have ended first"


@pytest.mark.parametrize("part", ["worker", "zygote", "prefork_master", "all", "all_and_spare"])
def test_killed_worker_is_replaced_and_its_runs_resumed(live: Live, part: str) -> None:
    """Whichever of its processes dies, none of those below it stays behind, and the run goes on."""
    spare = live.spare()
    before = len(live.lines("extract_text"))
    receipt_id = live.add(picture("slow=3"))
    line = live.started("extract_text", times=before + 1)
    tree = live.worker_tree()
    everything = {"all": tree, "all_and_spare": [spare, *tree]}
    struck = {"worker": [live.worker()], "zygote": [live.zygote()], "prefork_master": tree[:1], **everything}
    kill(struck[part])
    receipt = live.require_one_expense(receipt_id)
    assert live.run(receipt).run_count == 2
    gone = struck[part] if part in {"worker", "zygote"} else tree
    assert not any(process.is_running() for process in gone)
    assert not psutil.pid_exists(line.pid)
    assert (live.stack.pids()["worker"] == spare.pid) == (part in {"prefork_master", "all"})


def test_worker_is_known_to_the_server_by_its_host(live: Live) -> None:
    """Workers of one name on two hosts would keep each other's heartbeats alive."""
    name = f"embedded-{socket.gethostname()}"
    workers = live.client.request("POST", f"/work_pools/{POOL}/workers/filter", json={}).json()
    assert [worker["name"] for worker in workers] == [name]
    receipt = live.require_one_expense(live.add(picture()))
    assert receipt.flow_run_id is not None
    claims = [read_claim(state.message) for state in live.client.read_flow_run_states(receipt.flow_run_id)]
    assert {claim.worker for claim in claims if claim} == {name}


def test_flow_process_that_hangs_is_replaced_and_writes_nothing_when_it_wakes(live: Live) -> None:
    before = len(live.lines("extract_text"))
    receipt_id = live.add(picture("slow=4"))
    hung = psutil.Process(live.started("extract_text", times=before + 1).pid)
    hung.send_signal(signal.SIGSTOP)
    receipt = live.require_one_expense(receipt_id)
    assert receipt.attempt == 2
    assert not hung.is_running()


def test_a_spare_that_is_killed_is_replaced(live: Live) -> None:
    for _ in range(2):
        spare = live.spare()
        kill([spare])
        spare.wait(30)
        assert live.spare() != spare


@pytest.mark.parametrize("part", ["worker", "prefork_master"])
def test_worker_that_hangs_is_replaced(live: Live, part: str) -> None:
    hung = live.worker() if part == "worker" else live.worker_tree()[0]
    hung.send_signal(signal.SIGSTOP)
    if part == "prefork_master":  # it is missed although its worker goes on
        until(lambda: not hung.is_running(), "the end of what hangs")
    live.require_one_expense(live.add(picture()))


def test_second_report_of_a_crash_does_not_stop_the_run_that_was_resumed(live: Live) -> None:
    """Prefect can report a crash again after the run was resumed, over its new state."""
    before = len(live.lines("extract_text"))
    receipt_id = live.add(picture("slow=4"))
    kill([psutil.Process(live.started("extract_text", times=before + 1).pid)])
    live.started("extract_text", times=before + 2)
    run_id = live.receipt(receipt_id).flow_run_id
    assert run_id is not None
    live.client.set_flow_run_state(run_id, Crashed(message="reported late"), force=True)
    receipt = live.final(receipt_id)
    assert receipt.flow_run_id == run_id
    assert receipt.state in {State.EXPENSED, State.REVIEW}
    live.require_single_effects(receipt)


def test_cancelled_receipt_is_held_and_can_be_retried(live: Live) -> None:
    before = len(live.lines("extract_text"))
    receipt_id = live.add(picture("slow=8"))
    line = live.started("extract_text", times=before + 1)
    first = live.receipt(receipt_id).flow_run_id
    assert first is not None
    live.client.set_flow_run_state(first, Cancelling())
    until(lambda: live.client.read_flow_run(first).state_name == "Cancelled", "the cancelling")
    until(lambda: live.receipt(receipt_id).held, "the holding")
    assert not psutil.pid_exists(line.pid)
    assert live.receipt(receipt_id).state is State.WAITING
    asyncio.run(retry_receipt(live.pipeline, str(receipt_id)))
    receipt = live.require_one_expense(receipt_id)
    assert receipt.flow_run_id != first


def test_poisonous_receipt_is_quarantined_and_harms_no_other(live: Live) -> None:
    poison = live.add(picture("die"))
    others = [live.add(picture()) for _ in range(3)]
    for other in others:
        assert live.final(other).state in {State.EXPENSED, State.REVIEW}
    receipt = live.final(poison)
    assert receipt.state is State.QUARANTINED
    assert "SIGSEGV" in (receipt.reason or "")
    assert receipt.sha256 is not None
    assert len(live.lines("extract_text", subject=receipt.sha256)) == 3
    assert live.ended(receipt).state_name == "Failed"


def test_paused_receipt_stops_at_its_next_step_and_goes_on_when_it_is_resumed(live: Live) -> None:
    """As by the buttons of the Prefect UI: nobody takes it up meanwhile, and no finished step is executed again."""
    before, read = len(live.lines("extract_text")), len(live.lines("extract_text", "durable"))
    receipt_id = live.add(picture("slow=12"))
    live.started("extract_text", times=before + 1)
    run_id = live.receipt(receipt_id).flow_run_id
    assert run_id is not None
    suspended = {"state": {"type": "PAUSED", "name": "Suspended", "state_details": {"pause_reschedule": True}}}
    live.client.request("POST", f"/flow_runs/{run_id}/set_state", json=suspended)
    live.started("extract_text", times=read + 1, event="durable")
    live.require_one_expense(live.add(picture()))
    assert live.client.read_flow_run(run_id).state_name == "Suspended"
    assert live.receipt(receipt_id).state is State.RUNNING
    live.client.resume_flow_run(run_id)
    receipt = live.require_one_expense(receipt_id)
    assert receipt.flow_run_id == run_id
    assert receipt.sha256 is not None
    assert len(live.lines("extract_text", subject=receipt.sha256)) == 1


def test_second_run_of_a_receipt_does_nothing_while_the_first_one_works(live: Live) -> None:
    before = len(live.lines("extract_text"))
    receipt_id = live.add(picture("slow=30"))
    live.started("extract_text", times=before + 1)
    first = live.receipt(receipt_id)
    deployment = live.client.read_deployment_by_name(DEPLOYMENT)
    second = live.client.create_flow_run_from_deployment(deployment.id, parameters={"key": first.key})
    until(lambda: live.client.read_flow_run(second.id).state_name == "Completed", "the end of the second run")
    assert {"already-running", receipt_tag(receipt_id)} <= {*live.client.read_flow_run(second.id).tags}
    receipt = live.require_one_expense(receipt_id)
    assert (receipt.flow_run_id, receipt.attempt) == (first.flow_run_id, 1)
    assert receipt.sha256 is not None
    assert len(live.lines("extract_text", subject=receipt.sha256)) == 1
