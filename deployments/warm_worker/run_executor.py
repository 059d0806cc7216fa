"""From a claimed flow run to its end: its configuration, its process, and what the engine could not report itself."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Awaitable
from typing import Any, Protocol
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State, WorkPool
from prefect.client.schemas.responses import DeploymentResponse
from prefect.logging.loggers import flow_run_logger
from prefect.states import Cancelled, Cancelling, Crashed

from deployments.warm_worker.child_process import Answer, Job
from deployments.warm_worker.configuration import WarmJobConfiguration, from_template
from deployments.warm_worker.pool import ProcessPool
from deployments.warm_worker.process_exit import ExitReason, ProcessExit
from deployments.warm_worker.record_cache import RecordCache
from deployments.warm_worker.recovery import persistently, resume

_MAX_ATTEMPTS = 5  # of a run that never got as far as its own job variables


class Recover(Protocol):
    """What is done about a run whose process died, called as `recover(flow_run_id, process_exit)`."""

    def __call__(self, flow_run_id: UUID, process_exit: ProcessExit) -> Awaitable[object]: ...


class RunExecutor:
    """Executes flow runs in the pool's processes. `recover` is called for every process that died in a run."""

    def __init__(self, client: PrefectClient, pool: ProcessPool, recover: Recover) -> None:
        self._client = client
        self._pool = pool
        self._recover = recover
        self.records = RecordCache(client)
        self._exits: dict[UUID, int] = {}
        self._jobs: dict[UUID, Job] = {}

    async def execute(self, flow_run: FlowRun, work_pool: WorkPool, worker_name: str, worker_id: UUID | None) -> None:
        """Execute a claimed run to its end, whatever that is; returns when its process is free or dead."""
        deployment = await self.records.deployment(flow_run.deployment_id) if flow_run.deployment_id else None
        configuration = await self._configure(flow_run, deployment, work_pool, worker_name, worker_id)
        job = self._jobs[flow_run.id] = _job(flow_run, deployment, configuration)
        try:
            await self._conclude(flow_run, await self._pool.execute(job))
        finally:
            del self._jobs[flow_run.id]

    async def resume(self, flow_run_id: UUID, process_exit: ProcessExit) -> None:
        """The default of `recover`: take the run up again, or leave it Crashed after its `max_attempts`."""
        self._exits[flow_run_id] = exits = self._exits.get(flow_run_id, 0) + 1
        job = self._jobs.get(flow_run_id)
        limit = job.max_attempts if job else _MAX_ATTEMPTS
        state = await resume(self._client, flow_run_id, process_exit, exits=exits, max_attempts=limit)
        if state is None or state.is_crashed():
            self._exits.pop(flow_run_id, None)
        if job and state and state.is_crashed():
            await self._run_hooks(job, state)

    def cancel(self, flow_run_id: UUID) -> None:
        """Kill the run's process, if it has one; the rest follows from its end. Its hooks' process is left alone."""
        child = self._pool.find(str(flow_run_id))
        if child and child.job and child.job.order["op"] == "run":
            child.kill(ExitReason.CANCELLED, "the run was cancelled")

    def suspend(self, flow_run: FlowRun) -> None:
        """Let the run's process know that it is suspended: it ends the run at the next task."""
        child = self._pool.find(str(flow_run.id))
        if child and flow_run.state:
            state = flow_run.state.model_dump(mode="json")
            child.send({"op": "suspended", "flow_run_id": str(flow_run.id), "state": state})

    async def _conclude(self, flow_run: FlowRun, answer: Answer | ProcessExit) -> None:
        if isinstance(answer, ProcessExit):
            if answer.reason is ExitReason.CANCELLED:
                await self._finish_cancelling(flow_run.id)
            else:
                await self._recover(flow_run.id, answer)
        elif answer["outcome"] == "unloadable":
            crashed: State[Any] = Crashed(message=f"The flow could not be loaded: {answer['detail']}")
            await persistently(lambda: self._client.set_flow_run_state(flow_run.id, crashed))
        elif answer["outcome"] == "escaped":
            await self._recover(
                flow_run.id, ProcessExit(ExitReason.EXIT, detail=f"the engine failed: {answer['detail']}")
            )
        else:
            self._exits.pop(flow_run.id, None)

    async def _finish_cancelling(self, flow_run_id: UUID) -> None:
        flow_run = await persistently(lambda: self._client.read_flow_run(flow_run_id))
        if flow_run.state and flow_run.state.is_final():
            return
        await self._run_hooks(self._jobs[flow_run_id], Cancelling(message="The run was cancelled."))
        cancelled: State[Any] = Cancelled(message="The run was cancelled and its process ended.")
        await persistently(lambda: self._client.set_flow_run_state(flow_run_id, cancelled, force=True))
        flow_run_logger(flow_run).info("Cancelled flow run %r", flow_run.name)

    async def _run_hooks(self, job: Job, state: State) -> None:
        """Run the flow's hooks for a state that the engine did not report, in a process of the pool."""
        order = {**job.order, "op": "hooks", "state": state.model_dump(mode="json")}
        answer = await self._pool.execute(dataclasses.replace(job, order=order))
        if isinstance(answer, ProcessExit):
            flow_run_logger(flow_run_id=UUID(job.key)).error("The hooks for %s died: %s", state.name, answer)

    async def _configure(
        self,
        flow_run: FlowRun,
        deployment: DeploymentResponse | None,
        work_pool: WorkPool,
        worker_name: str,
        worker_id: UUID | None,
    ) -> WarmJobConfiguration:
        """The job template filled in; as `resolve_for_flow_run` does it, without reading the same records again."""
        values: dict[str, Any] = copy.deepcopy(deployment.job_variables or {}) if deployment else {}
        own = dict(flow_run.job_variables or {})
        if isinstance(values.get("env"), dict):
            values["env"].update(own.pop("env", {}))
        values.update(own)
        configuration = await from_template(work_pool.base_job_template, values, self._client)
        flow = await self.records.flow(flow_run.flow_id)
        configuration.prepare_for_flow_run(flow_run, deployment, flow, work_pool, worker_name, worker_id)
        return configuration


def _job(flow_run: FlowRun, deployment: DeploymentResponse | None, configuration: WarmJobConfiguration) -> Job:
    entrypoint = deployment.entrypoint if deployment else None
    # Pull steps and file paths change the working directory and sys.path: such a process serves one run only, and
    # loads the code as Prefect does. A module path is imported once and shared.
    shared = bool(deployment and entrypoint and ":" not in entrypoint and not deployment.pull_steps)
    order = {
        "op": "run",
        "flow_run": flow_run.model_dump(mode="json"),
        "entrypoint": entrypoint if shared else None,
        "environment": configuration.run_environment(),
    }
    return Job(
        key=str(flow_run.id),
        order=order,
        spec=configuration.spec(single_use="" if shared else str(flow_run.id)),
        limits=configuration.limits(),
        runs_per_process=configuration.runs_per_process,
        module=entrypoint.rpartition(".")[0] if shared and entrypoint else None,
        flow=str(flow_run.flow_id),
        max_attempts=configuration.max_attempts,
    )
