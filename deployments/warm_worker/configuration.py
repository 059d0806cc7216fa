"""What can be set on a work pool of type `warm` and overridden per deployment: its job template, shown in the UI."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.settings import get_current_settings
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorkerResult
from pydantic import Field

from deployments.warm_worker.child_process import ProcessSpec, ResourceLimits

_RUN_PREFIX = "PREFECT__"  # Prefect's variables about one run; all others belong to the process


# The base class's fields that mean nothing for processes of this machine.
_UNUSED = ("name", "labels", "command")


class WarmVariables(BaseVariables):
    """The fields of the job template. The pool's defaults can be overridden by a deployment's job variables."""

    processes: int = Field(
        default=0,
        ge=0,
        title="Processes",
        description="How many runs this worker executes at once, each in a process of its own. Default: one per CPU. "
        "Of the work pool only; a worker's `--limit` comes first.",
    )
    runs_per_process: int = Field(
        default=100,
        ge=1,
        title="Runs per process",
        description="A process is replaced by a fresh one after so many runs; 1 is a fresh process for every run. "
        "Default: 100.",
    )
    idle_time_limit_seconds: float = Field(
        default=600,
        ge=0,
        title="Idle time limit (seconds)",
        description="As many processes are kept as worked at once within this time, none where there was no run. One "
        "that holds much memory for a flow that it did not run for so long is replaced by a fresh one, whatever else "
        "it ran; the next run loads it again. 0: all are kept as they are. Default: 600.",
    )
    memory_limit_mb: int = Field(
        default=2048,
        ge=0,
        title="Memory limit (MB)",
        description="A process whose resident memory exceeds this while it runs is killed and its run resumed; "
        "one above three quarters of it is replaced between runs. 0: no limit. Default: 2048.",
    )
    run_time_limit_seconds: float = Field(
        default=600,
        ge=0,
        title="Run time limit (seconds)",
        description="A run that takes longer is taken for hung: its process is killed and the run resumed. "
        "0: no limit. Default: 600.",
    )
    nice: int = Field(
        default=0,
        ge=0,
        le=19,
        title="Niceness",
        description="Lowers the processes' CPU priority: 19 yields to everything else. Default: 0, normal.",
    )
    max_attempts: int = Field(
        default=5,
        ge=1,
        title="Attempts",
        description="A run whose process died is resumed until it was started so often; then it is left Crashed. "
        "A flow that counts its own attempts should give up before. Default: 5.",
    )

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The fields as the work pool stores them: without the defaults, which their descriptions name.

        Prefect's server checks this schema, and each default against it, whenever a flow run is created; that was
        most of what creating one cost. What is not set in the pool gets its default here, in the worker.
        """
        schema = super().model_json_schema(*args, **kwargs)
        schema["properties"] = {
            name: {key: value for key, value in field.items() if key != "default"}
            for name, field in schema["properties"].items()
            if name not in _UNUSED
        }
        return schema


class WarmJobConfiguration(BaseJobConfiguration):
    """The template's fields with the values for one run."""

    processes: int = 0
    runs_per_process: int = 100
    idle_time_limit_seconds: float = 600
    memory_limit_mb: int = 2048
    run_time_limit_seconds: float = 600
    nice: int = 0
    max_attempts: int = 5

    @classmethod
    def json_template(cls) -> dict[str, Any]:
        """The template's placeholders: one for each field that can be set."""
        return {name: value for name, value in super().json_template().items() if name not in _UNUSED}

    @classmethod
    def _base_environment(cls) -> dict[str, str]:
        return dict(_settings_as_environment())

    def spec(self, single_use: str = "") -> ProcessSpec:
        """What the run's process must have been made with."""
        own = {name: value for name, value in self.env.items() if value is not None}
        environment = tuple(sorted((n, v) for n, v in own.items() if not n.startswith(_RUN_PREFIX)))
        return ProcessSpec(environment=environment, nice=self.nice, single_use=single_use)

    def run_environment(self) -> dict[str, str]:
        """Prefect's variables about this one run (ids and names, for attribution)."""
        return {n: v for n, v in self.env.items() if v is not None and n.startswith(_RUN_PREFIX)}

    def limits(self) -> ResourceLimits:
        """What the run may use."""
        return ResourceLimits(
            memory_bytes=self.memory_limit_mb << 20 or None, seconds=self.run_time_limit_seconds or None
        )


class WarmWorkerResult(BaseWorkerResult):
    """How a run's execution ended; `identifier` is the process's id."""


@lru_cache(maxsize=1)
def _settings_as_environment() -> dict[str, str]:
    """Prefect's settings as variables; a worker's never change, and rendering them took 20 ms a run."""
    return get_current_settings().to_environment_variables(exclude_unset=True)


async def from_template(
    template: dict[str, Any], values: dict[str, Any], client: PrefectClient
) -> WarmJobConfiguration:
    """Fill in a pool's job template (Prefect's own method, whose decorator hides its type)."""
    filled: WarmJobConfiguration = await WarmJobConfiguration.from_template_and_values(
        base_job_template=template, values=values, client=client
    )
    return filled


def pool_default(template: dict[str, Any], name: str) -> Any:
    """A variable's default as the work pool's job template has it, None if it has none."""
    return template.get("variables", {}).get("properties", {}).get(name, {}).get("default")
