"""Executing one job in a warm child: a flow run through Prefect's engine, or a flow's hooks after its process died.

What an interpreter started for one run would do once (`python -m prefect.engine`) is done here again and again,
with the event loop and the API clients kept open in between.
"""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import AsyncGenerator
from inspect import iscoroutine, isgenerator
from typing import Any, Literal

from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Abort, Pause
from prefect.flow_engine import run_flow
from prefect.flows import Flow, load_flow_from_entrypoint, load_flow_from_flow_run
from prefect.logging.configuration import setup_logging
from prefect.logging.loggers import flow_run_logger, get_logger

from deployments.warm_worker import compat
from deployments.warm_worker.client import open_client

_DRAIN_SECONDS = 10.0


class Execution:
    """What the runs of one child share: the loop, the clients, the flows already loaded."""

    def __init__(self, runner: asyncio.Runner) -> None:
        setup_logging()
        self._logger = get_logger("worker.child")
        self._runner = runner
        self._flows: dict[str, Flow[..., Any]] = {}
        self._clients, self._client = runner.run(open_client())

    def execute(self, job: dict[str, Any]) -> dict[str, Any]:
        """Execute a job to its end.

        Returns:
            `outcome`: `done` (the engine reported all there is), `unloadable` (the flow's code cannot be loaded),
            or `escaped` (the engine itself failed, as when the server went away); `detail` for the last two.
        """
        os.environ.update(job["environment"])
        flow_run = FlowRun.model_validate(job["flow_run"])
        try:
            flow = self._load(job["entrypoint"], flow_run)
        except Exception as error:
            flow_run_logger(flow_run).exception("The flow could not be loaded")
            return {"outcome": "unloadable", "detail": f"{type(error).__name__}: {error}"}
        try:
            if job["op"] == "hooks":
                self._runner.run(compat.run_hooks(flow, flow_run, State.model_validate(job["state"])))
            else:
                self._run(flow, flow_run)
        except (Abort, Pause) as signal:
            self._logger.info("Flow run %s: %s", flow_run.id, signal)
        except BaseException as error:
            self._logger.exception("Flow run %s escaped the engine", flow_run.id)
            return {"outcome": "escaped", "detail": "".join(traceback.format_exception_only(error)).strip()}
        return {"outcome": "done"}

    def close(self) -> None:
        """Send what is still to be sent: logs, events, task run states."""
        self._runner.run(self._clients.__aexit__(None, None, None))
        compat.send_remaining(_DRAIN_SECONDS)

    def _load(self, entrypoint: str | None, flow_run: FlowRun) -> Flow[..., Any]:
        """Load by module path and keep; None stands for a deployment that fetches its code by itself."""
        if entrypoint is None:
            return self._runner.run(load_flow_from_flow_run(flow_run, use_placeholder_flow=False))
        if entrypoint not in self._flows:
            self._flows[entrypoint] = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
        return self._flows[entrypoint]

    def _run(self, flow: Flow[..., Any], flow_run: FlowRun) -> None:
        self._client.know(flow_run)
        # A generator flow can only be asked for its result; its error then comes out after its state was reported.
        wanted: Literal["result", "state"] = "result" if flow.isgenerator else "state"
        running: Any = run_flow(flow, flow_run=flow_run, return_type=wanted, error_logger=self._logger)
        if iscoroutine(running):
            self._runner.run(running)
        elif isinstance(running, AsyncGenerator):
            self._runner.run(_exhaust(running))
        elif isgenerator(running):
            for _ in running:
                pass


async def _exhaust(generator: AsyncGenerator[object, None]) -> None:
    async for _ in generator:
        pass
