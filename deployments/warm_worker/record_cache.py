"""Deployments and flows as the server has them, read once for many runs."""

from __future__ import annotations

import time
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import Flow
from prefect.client.schemas.responses import DeploymentResponse

FRESH_SECONDS = 5.0  # a change of a deployment's variables holds for runs that start this much later


class RecordCache:
    """Reads through: a deployment is at most five seconds old, a flow's name never changes."""

    def __init__(self, client: PrefectClient) -> None:
        self._client = client
        self._deployments: dict[UUID, tuple[float, DeploymentResponse]] = {}
        self._flows: dict[UUID, Flow] = {}

    async def deployment(self, deployment_id: UUID) -> DeploymentResponse:
        """A deployment as the server had it a moment ago; raises ObjectNotFound when it was deleted."""
        kept = self._deployments.get(deployment_id)
        if kept and time.monotonic() - kept[0] < FRESH_SECONDS:
            return kept[1]
        deployment = await self._client.read_deployment(deployment_id)
        self._deployments[deployment_id] = (time.monotonic(), deployment)
        return deployment

    async def flow(self, flow_id: UUID) -> Flow:
        """A flow: its id and name."""
        if flow_id not in self._flows:
            self._flows[flow_id] = await self._client.read_flow(flow_id)
        return self._flows[flow_id]
