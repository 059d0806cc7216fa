"""What `prefect deploy --all` makes of prefect.yaml, within this process and with one client.

The command opens several clients for each deployment, asks git for its version and needs some ten requests; this needs
four. prefect.yaml stays what both read; what only the command knows is refused here and not left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from prefect.client.schemas.objects import ConcurrencyLimitConfig, VersionInfo
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.deployments.runner import DeploymentApplyError, RunnerDeployment
from prefect.exceptions import PrefectHTTPStatusError
from prefect.flows import Flow, load_flow_from_entrypoint
from pydantic import BaseModel, ConfigDict, Field, model_validator
from yaml import safe_load

from deployments.version import installed_version
from flows.domain.errors import ConfigurationError


class _NothingToPull:
    """Says that the flow is an installed package: an update would else forget that nothing is pulled."""

    destination = Path()
    pull_interval = None

    def set_base_path(self, path: Path) -> None:
        """Nothing lies anywhere."""

    async def pull_code(self) -> None:
        """Nothing is pulled."""

    def to_pull_step(self) -> list[dict[str, Any]]:
        """No step at all."""
        return []


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _WorkPool(_Part):
    name: str
    work_queue_name: str


class _Schedule(_Part):
    active: bool
    cron: str | None = None
    interval: float | None = None  # seconds

    @model_validator(mode="after")
    def _either(self) -> _Schedule:
        if (self.cron is None) == (self.interval is None):
            raise ValueError("a schedule has either cron or interval")
        return self

    def for_prefect(self) -> dict[str, Any]:
        """As a deployment takes it."""
        if self.cron is not None:
            return {"schedule": CronSchedule(cron=self.cron), "active": self.active}
        interval = timedelta(seconds=self.interval or 0)
        return {"schedule": IntervalSchedule(interval=interval), "active": self.active}


class ProjectDeployment(_Part):
    """One deployment of the file."""

    name: str
    entrypoint: str
    description: str
    tags: list[str]
    work_pool: _WorkPool
    parameters: dict[str, Any] = Field(default_factory=dict)
    concurrency_limit: ConcurrencyLimitConfig | None = None
    schedules: list[_Schedule] = Field(default_factory=list)

    async def apply(self, before: Sequence[DeploymentResponse]) -> None:
        """Create it, or bring it up to date; with the client of Prefect's client context.

        Args:
            before: All deployments that there are. Parameters that a person gave this one stay.

        Raises:
            ConfigurationError: Prefect's server refuses it.
        """
        flow: Flow[..., Any] = load_flow_from_entrypoint(self.entrypoint)
        limit = self.concurrency_limit
        deployment = RunnerDeployment(
            name=self.name,
            flow_name=flow.name,
            entrypoint=self.entrypoint,
            work_pool_name=self.work_pool.name,
            work_queue_name=self.work_pool.work_queue_name,
            parameters={**self._given(before, flow), **self.parameters},
            description=self.description,
            tags=self.tags,
            version=installed_version(),
            concurrency_limit=limit.limit if limit else None,
            concurrency_options={"collision_strategy": limit.collision_strategy} if limit else None,
            job_variables={},
            storage=_NothingToPull(),
        )
        deployment._set_defaults_from_flow(flow)
        version = VersionInfo(type="prefect:simple", version=installed_version())
        try:
            await deployment.aapply(schedules=[one.for_prefect() for one in self.schedules], version_info=version)
        except (DeploymentApplyError, PrefectHTTPStatusError) as error:
            raise ConfigurationError(f"Prefect refuses the deployment {flow.name}/{self.name}: {error}") from error

    def _given(self, before: Sequence[DeploymentResponse], flow: Flow[..., Any]) -> dict[str, Any]:
        """The parameters that it has, of those that its flow still knows."""
        own = [one for one in before if (one.entrypoint, one.name) == (self.entrypoint, self.name)]
        return {
            name: value for one in own for name, value in one.parameters.items() if name in flow.parameters.properties
        }


class _Project(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    prefect_version: str = Field(alias="prefect-version")
    pull: list[dict[str, Any]] = Field(max_length=0)  # the flows are an installed package
    definitions: dict[str, Any]  # what the deployments refer to
    deployments: list[ProjectDeployment]


def deployments_of(project: Path) -> list[ProjectDeployment]:
    """The deployments of a prefect.yaml.

    Raises:
        ValidationError: It has something that only the command `prefect deploy` knows.
    """
    return _Project.model_validate(safe_load(project.read_text())).deployments


def load_flows(project: Path) -> None:
    """Import what `apply` needs, which takes a second or two."""
    for one in deployments_of(project):
        load_flow_from_entrypoint(one.entrypoint)
