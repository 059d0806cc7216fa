"""The warm worker keeps what Prefect's own gives, and resumes runs whose process died.

Held here, on a real server with `prefect worker start`: runs of every shape complete; a killed, crashed, hung, stopped
or oversized process costs its own run one attempt and no other run anything; cancelling, suspending, draining,
redeploying and the worker's own death leave no run and no process behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate, WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.states import AwaitingRetry, Cancelling, Running

from deployments.stack import Stack
from deployments.warm_worker import WarmWorker

WAIT_SECONDS = 300  # patience with a busy machine, not an expectation


@dataclass
class Bench:
    """One work pool, with the test flows deployed from a folder of its own, and workers on it."""

    client: SyncPrefectClient
    folder: Path
    environment: dict[str, str]
    pool: str = field(default_factory=lambda: f"warm-{uuid.uuid4().hex[:8]}")
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def deploy(self, flow: str, **job_variables: Any) -> uuid.UUID:
        flow_id = self.client.create_flow_from_name(flow.replace("_", "-"))
        return self.client.create_deployment(
            flow_id=flow_id,
            name=uuid.uuid4().hex[:8],
            work_pool_name=self.pool,
            entrypoint=f"warm_worker_flows.{flow}",
            job_variables=job_variables,
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", self.pool, "--type", "warm"]
        worker = subprocess.Popen([*command, *arguments], env=self.environment, cwd=self.folder)
        self.workers.append(worker)
        return worker

    def start_impatient(self, silent_seconds: float) -> None:
        """A worker that takes a process for hung sooner than others do."""
        arguments = ["prefect", "worker", "start", "--pool", self.pool, "--type", "warm", "--limit", "1"]
        program = (
            "import runpy, sys; from deployments.warm_worker import watchdog;"
            f"watchdog.SILENT_SECONDS = {silent_seconds}; sys.argv = {arguments};"
            "runpy.run_module('prefect', run_name='__main__')"
        )
        self.workers.append(subprocess.Popen([sys.executable, "-c", program], env=self.environment, cwd=self.folder))

    def start_counting(self, polls: Path) -> None:
        """A worker with one process that notes how many runs each poll brought, unless it brought none."""
        arguments = ["prefect", "worker", "start", "--pool", self.pool, "--type", "warm", "--limit", "1"]
        program = f"""
import runpy, sys
from pathlib import Path
from deployments.warm_worker import WarmWorker

poll = WarmWorker._due

async def counted(self, limit):
    if due := await poll(self, limit):
        with Path({str(polls)!r}).open("a") as file:
            file.write(f"{{len(due)}}\\n")
    return due

WarmWorker._due = counted
sys.argv = {arguments}
runpy.run_module("prefect", run_name="__main__")
"""
        self.workers.append(subprocess.Popen([sys.executable, "-c", program], env=self.environment, cwd=self.folder))

    def run(self, deployment: uuid.UUID, **parameters: Any) -> FlowRun:
        return self.client.create_flow_run_from_deployment(deployment, parameters=parameters)

    def wait(self, run: FlowRun, *states: str) -> FlowRun:
        def reached() -> FlowRun | None:
            now = self.client.read_flow_run(run.id)
            return now if now.state_name in states or (now.state and now.state.is_final()) else None

        found = until(reached)
        assert found.state_name in states, f"{found.state_name}: {found.state and found.state.message}"
        return found

    def names(self, run: FlowRun) -> list[str]:
        return [state.name or "" for state in self.client.read_flow_run_states(run.id)]


def until(condition: Callable[[], Any]) -> Any:
    """Wait until the condition gives something true, and return that."""
    end = time.monotonic() + WAIT_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.1)
    return found


def words(file: Path) -> list[str]:
    """What the flow noted, execution by execution."""
    return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []


def pids(file: Path) -> list[int]:
    """Which processes noted it."""
    return [int(line.split()[1]) for line in file.read_text().splitlines()] if file.exists() else []


@contextmanager
def open_bench(stack: Stack, folder: Path) -> Iterator[Bench]:
    shutil.copy(Path(__file__).with_name("warm_worker_flows.py"), folder)
    own = stack.environment
    environment = {**os.environ, **own, "PYTHONPATH": str(folder)}
    api = {PREFECT_API_URL: own["PREFECT_API_URL"], PREFECT_API_AUTH_STRING: own["PREFECT_API_AUTH_STRING"]}
    with temporary_settings(api), get_client(sync_client=True) as client:
        bench = Bench(client, folder, environment)
        template = WarmWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=bench.pool, type="warm", base_job_template=template))
        yield bench
        for worker in bench.workers:
            worker.kill()
            worker.wait()


@pytest.fixture
def bench(stack: Stack, tmp_path: Path) -> Iterator[Bench]:
    """A pool of one's own, without a worker."""
    with open_bench(stack, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A pool with a worker of two processes, for tests that do nothing to the worker itself."""
    with open_bench(stack, tmp_path_factory.mktemp("shared")) as opened:
        opened.start("--limit", "2")
        yield opened


def test_runs_of_every_shape_complete(shared: Bench, tmp_path: Path) -> None:
    """Async, sync, several in one process, with a deployment's own environment."""
    plain, sync = shared.deploy("four_steps"), shared.deploy("sync_steps")
    told = shared.deploy("tells_environment", env={"RECEIPTFLOW_TEST_WORD": "hello"})
    note = str(tmp_path / "note")
    runs = [shared.run(deployment, path=note) for deployment in (plain, sync, plain, plain, sync, told, plain)]
    for run in runs:
        shared.wait(run, "Completed")
    assert sorted(words(Path(note))) == sorted(["done", "sync", "done", "done", "sync", "hello", "done"])
    assert len(set(pids(Path(note)))) < len(runs), "runs share processes"
    task_runs = until(lambda: _finished_tasks(shared, runs[0]))
    assert len(task_runs) == 4


def _finished_tasks(shared: Bench, run: FlowRun) -> list[Any]:
    filters = {"flow_runs": {"id": {"any_": [str(run.id)]}}}
    found = shared.client.request("POST", "/task_runs/filter", json=filters).json()
    return [task_run for task_run in found if task_run["state_type"] == "COMPLETED"]


def test_a_task_run_begins_with_running_unless_it_may_wait(shared: Bench, tmp_path: Path) -> None:
    """A Pending that lasts a millisecond is not worth its cost; a task with tags may wait for a concurrency limit."""

    def states(flow: str) -> list[str | None]:
        run = shared.run(shared.deploy(flow), path=str(tmp_path / "note"))
        shared.wait(run, "Completed")
        finished = until(lambda: _finished_tasks(shared, run))
        return [state.name for state in shared.client.read_task_run_states(uuid.UUID(finished[0]["id"]))]

    assert states("four_steps") == ["Running", "Completed"]
    assert states("tagged_step") == ["Pending", "Running", "Completed"]


@pytest.mark.parametrize(
    ("how", "variables", "reason"),
    [
        ("kill", {}, "SIGKILL"),
        ("segfault", {}, "SIGSEGV"),
        ("exit", {}, "code 7"),
        ("stop", {}, "stopped"),
        ("memory", {"memory_limit_mb": 350}, "memory"),
        ("hang", {"run_time_limit_seconds": 4}, "limit"),
    ],
)
def test_a_dead_process_costs_its_run_one_attempt(
    shared: Bench, tmp_path: Path, how: str, variables: dict[str, Any], reason: str
) -> None:
    """The same flow run is resumed and completes, with the reason on record; a run beside it notices nothing."""
    dying, beside = shared.deploy("dies_once", **variables), shared.deploy("sleeps")
    note, note_beside = tmp_path / "note", tmp_path / "beside"
    neighbour = shared.run(beside, path=str(note_beside), seconds=3)
    until(lambda: words(note_beside))
    run = shared.run(dying, path=str(note), how=how)
    shared.wait(run, "Completed")
    shared.wait(neighbour, "Completed")
    assert words(note) == ["start", "start", "done"]
    assert words(note_beside) == ["start", "done"]
    assert shared.client.read_flow_run(run.id).run_count == 2
    retry = next(s for s in shared.client.read_flow_run_states(run.id) if s.name == "AwaitingRetry")
    assert reason in (retry.message or "")
    assert "Crashed" not in shared.names(run)


def test_a_process_that_gives_the_interpreter_to_nobody_is_replaced(bench: Bench, tmp_path: Path) -> None:
    """A decoder in C that never returns: the process lives and works, but cannot even say so."""
    deployment = bench.deploy("dies_once")
    bench.start_impatient(silent_seconds=7.0)
    note = tmp_path / "note"
    run = bench.run(deployment, path=str(note), how="silent")
    bench.wait(run, "Completed")
    assert words(note) == ["start", "start", "done"]
    assert not psutil.pid_exists(pids(note)[0])
    assert any("no sign of life" in (state.message or "") for state in bench.client.read_flow_run_states(run.id))


def _set_idle_limit(bench: Bench, seconds: float) -> None:
    template = bench.client.read_work_pool(bench.pool).base_job_template
    template["variables"]["properties"]["idle_time_limit_seconds"]["default"] = seconds
    bench.client.update_work_pool(bench.pool, WorkPoolUpdate(base_job_template=template))


def _processes(worker: subprocess.Popen[bytes]) -> int | None:
    """How many processes for runs there are; None before there is a zygote."""
    zygotes = [one for one in psutil.Process(worker.pid).children() if os.getsid(one.pid) == one.pid]
    return len(zygotes[0].children()) if zygotes else None


def test_as_many_processes_are_kept_as_worked_at_once(bench: Bench, tmp_path: Path) -> None:
    deployment, note, busy = bench.deploy("four_steps"), tmp_path / "note", tmp_path / "busy"
    sleeps = bench.deploy("sleeps")
    _set_idle_limit(bench, 0.5)
    worker = bench.start("--limit", "2")
    long = bench.run(sleeps, path=str(busy), seconds=12)
    bench.wait(bench.run(deployment, path=str(note)), "Completed")
    until(lambda: not psutil.pid_exists(pids(note)[0]))
    assert _processes(worker) == 1
    bench.wait(long, "Completed")


def test_memory_for_a_flow_that_is_not_run_is_given_back_whatever_else_runs(bench: Bench, tmp_path: Path) -> None:
    """As OCR's models, where a sweep runs every few minutes in the process that read the last receipt."""
    loads, other = bench.deploy("loads"), bench.deploy("four_steps")
    _set_idle_limit(bench, 2)
    bench.start("--limit", "1")
    bench.wait(bench.run(loads, path=str(tmp_path / "loaded")), "Completed")
    (held,) = pids(tmp_path / "loaded")
    note, end = tmp_path / "note", time.monotonic() + WAIT_SECONDS
    while psutil.pid_exists(held):  # it is never idle for long
        assert time.monotonic() < end
        bench.wait(bench.run(other, path=str(note)), "Completed")
    assert pids(note)[0] == held
    for _ in range(8):  # what holds little is kept
        bench.wait(bench.run(other, path=str(note)), "Completed")
    assert len(set(pids(note)) - {held}) == 1


def test_no_process_is_kept_where_there_was_no_run_for_long(bench: Bench, tmp_path: Path) -> None:
    deployment, note = bench.deploy("four_steps"), tmp_path / "note"
    _set_idle_limit(bench, 0.5)
    worker = bench.start("--limit", "2")
    for _ in range(2):
        until(lambda: _processes(worker) == 0)
        bench.wait(bench.run(deployment, path=str(note)), "Completed")
    assert len(set(pids(note))) == 2


def test_a_run_that_always_dies_is_given_up(shared: Bench, tmp_path: Path) -> None:
    """After `max_attempts` starts it is Crashed, once, and the flow's hook has run."""
    deployment = shared.deploy("dies_always", max_attempts=3)
    note = tmp_path / "note"
    run = shared.run(deployment, path=str(note))
    shared.wait(run, "Crashed")
    until(lambda: "crashed" in words(note))
    assert words(note) == ["start", "start", "start", "crashed"]


def test_runs_of_a_deleted_deployment_hold_up_no_others(bench: Bench, tmp_path: Path) -> None:
    """Prefect deletes what waits with its deployment, but not what is put back then: due for ever, in front."""
    deleted, other = bench.deploy("sleeps"), bench.deploy("sleeps")
    stuck = [bench.run(deleted, path=str(tmp_path / "stuck"), seconds=0) for _ in range(3)]
    for run in stuck:
        bench.client.set_flow_run_state(run.id, Running(), force=True)
    bench.client.delete_deployment(deleted)
    for run in stuck:
        bench.client.set_flow_run_state(run.id, AwaitingRetry(scheduled_time=run.created), force=True)
    behind = bench.run(other, path=str(tmp_path / "note"), seconds=0)
    bench.start("--limit", "1")
    bench.wait(behind, "Completed")
    for run in stuck:
        assert "deployment was deleted" in (bench.wait(run, "Cancelled").state.message or "")
    assert not (tmp_path / "stuck").exists()


def test_a_run_that_nobody_may_claim_yet_holds_up_no_others(bench: Bench, tmp_path: Path) -> None:
    """A deployment's concurrency limit of 0 has the server refuse each claim of its runs, which stay due."""
    closed, other = bench.deploy("sleeps"), bench.deploy("sleeps")
    bench.client.request("PATCH", f"/deployments/{closed}", json={"concurrency_limit": 1}).raise_for_status()
    limit = f"deployment:{closed}"
    bench.client.update_global_concurrency_limit(limit, GlobalConcurrencyLimitUpdate(limit=0))
    refused = [bench.run(closed, path=str(tmp_path / "refused"), seconds=0) for _ in range(3)]
    behind = bench.run(other, path=str(tmp_path / "note"), seconds=0)
    bench.start("--limit", "1")
    bench.wait(behind, "Completed")
    assert not (tmp_path / "refused").exists()
    bench.client.update_global_concurrency_limit(limit, GlobalConcurrencyLimitUpdate(limit=1))
    for run in refused:
        bench.wait(run, "Completed")


def test_a_cancelled_run_is_killed_and_its_hook_runs(shared: Bench, tmp_path: Path) -> None:
    deployment = shared.deploy("sleeps")
    note = tmp_path / "note"
    run = shared.run(deployment, path=str(note), seconds=120)
    until(lambda: words(note))
    shared.client.set_flow_run_state(run.id, Cancelling())
    shared.wait(run, "Cancelled")
    assert words(note) == ["start", "cancelled"]
    assert not psutil.pid_exists(pids(note)[0])
    shared.wait(shared.run(deployment, path=str(note), seconds=0), "Completed")


def test_a_suspended_run_ends_at_its_next_step_and_can_be_resumed(shared: Bench, tmp_path: Path) -> None:
    deployment = shared.deploy("sleeps")
    note = tmp_path / "note"
    run = shared.run(deployment, path=str(note), seconds=3)
    until(lambda: words(note))
    suspend = {"state": {"type": "PAUSED", "name": "Suspended", "state_details": {"pause_reschedule": True}}}
    shared.client.request("POST", f"/flow_runs/{run.id}/set_state", json=suspend)
    other = shared.run(deployment, path=str(tmp_path / "other"), seconds=0)
    shared.wait(other, "Completed")
    time.sleep(4)  # past its next step: resumed before that it would just go on
    assert words(note) == ["start"]
    shared.client.resume_flow_run(run.id)
    shared.wait(run, "Completed")
    assert words(note) == ["start", "start", "done"]


def test_sigterm_lets_runs_finish_and_takes_no_new_ones(bench: Bench, tmp_path: Path) -> None:
    deployment = bench.deploy("sleeps")
    worker = bench.start("--limit", "1")
    note = tmp_path / "note"
    run = bench.run(deployment, path=str(note), seconds=4)
    until(lambda: words(note))
    late = bench.run(deployment, path=str(tmp_path / "late"), seconds=0)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(WAIT_SECONDS) == 0
    assert bench.client.read_flow_run(run.id).state_name == "Completed"
    assert bench.client.read_flow_run(late.id).state_name in ("Scheduled", "Late")


def test_processes_die_with_tsuccessor_worker(bench: Bench, tmp_path: Path) -> None:
    deployment = bench.deploy("sleeps")
    worker = bench.start("--limit", "2")
    note = tmp_path / "note"
    bench.run(deployment, path=str(note), seconds=60)
    until(lambda: words(note))
    family = psutil.Process(worker.pid).children(recursive=True)
    worker.kill()
    worker.wait()
    psutil.wait_procs(family, timeout=WAIT_SECONDS)
    assert not [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def test_changed_code_is_used_by_every_run_that_starts_after(bench: Bench, tmp_path: Path) -> None:
    """A run in the middle finishes in the old code; the next one runs in the new."""
    sleeps, told = bench.deploy("sleeps"), bench.deploy("tells_environment")
    bench.start("--limit", "2")
    note, other = tmp_path / "note", tmp_path / "other"
    bench.wait(bench.run(told, path=str(other)), "Completed")
    running = bench.run(sleeps, path=str(note), seconds=5)
    until(lambda: words(note))
    module = tmp_path / "warm_worker_flows.py"
    module.write_text(module.read_text().replace('"nothing"', '"new"').replace('"done"', '"new-done"'))
    bench.wait(bench.run(told, path=str(other)), "Completed")
    bench.wait(running, "Completed")
    assert words(other) == ["nothing", "new"]
    assert words(note) == ["start", "done"]


def test_runs_are_not_hoarded_and_queues_keep_tsuccessor_priority(bench: Bench, tmp_path: Path) -> None:
    """With one process, one run at a time is claimed, and an urgent run goes before those that were read ahead."""
    deployment = bench.deploy("sleeps")
    bench.client.request("POST", f"/work_pools/{bench.pool}/queues", json={"name": "urgent", "priority": 1})
    bench.client.request("PATCH", f"/work_pools/{bench.pool}/queues/default", json={"priority": 2})
    bench.start("--limit", "1")
    notes = [tmp_path / f"note{number}" for number in range(5)]
    patient = [bench.run(deployment, path=str(note), seconds=2) for note in notes]
    until(lambda: sum(bool(words(note)) for note in notes) == 2)
    urgent = bench.client.create_flow_run_from_deployment(
        deployment, parameters={"path": str(tmp_path / "urgent"), "seconds": 0}, work_queue_name="urgent"
    )
    bench.wait(urgent, "Completed")
    waiting = [run for run in patient if bench.client.read_flow_run(run.id).state_name in ("Scheduled", "Late")]
    assert len(waiting) >= 2


def test_a_backlog_is_not_asked_for_run_by_run(bench: Bench, tmp_path: Path) -> None:
    """A poll costs the server more than a change of state: in a backlog it brings the runs after the next too."""
    deployment, polls = bench.deploy("sleeps"), tmp_path / "polls"
    bench.client.update_work_pool(bench.pool, WorkPoolUpdate(is_paused=True))
    runs = [bench.run(deployment, path=str(tmp_path / "note"), seconds=0.2) for _ in range(12)]
    bench.start_counting(polls)
    bench.client.update_work_pool(bench.pool, WorkPoolUpdate(is_paused=False))
    for run in runs:
        bench.wait(run, "Completed")
    assert [bench.names(run).count("Pending") for run in runs] == [1] * 12
    assert len(polls.read_text().split()) <= 4


def test_the_job_template_documents_its_fields() -> None:
    """What the UI shows: every field with a title or a description, and the worker type's own description."""
    properties = WarmWorker.get_default_base_job_template()["variables"]["properties"]
    limits = {"idle_time_limit_seconds", "memory_limit_mb", "run_time_limit_seconds"}
    wanted = {"processes", "runs_per_process", *limits, "env", "nice"}
    assert wanted <= properties.keys()
    assert all(properties[name].get("description") for name in wanted)
    assert WarmWorker.get_description()
