"""Schedules as a person left them: `prefect deploy` sets them to those of prefect.yaml each time.

A schedule that was switched on, off or changed stays so; a deployment that is new has prefect.yaml's.
"""

from __future__ import annotations

from collections.abc import Sequence

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse


async def keep_schedules(client: PrefectClient, before: Sequence[DeploymentResponse]) -> None:
    """Give deployments the schedules again that they had.

    Args:
        client: Of the server.
        before: The deployments as they were before `prefect deploy`.
    """
    now = {deployment.id: deployment for deployment in await client.read_deployments()}
    for known in before:
        deployed = now.get(known.id)
        if deployed is None or not known.schedules or _as_set(known.schedules) == _as_set(deployed.schedules):
            continue
        for schedule in deployed.schedules:
            await client.delete_deployment_schedule(deployed.id, schedule.id)
        await client.create_deployment_schedules(
            deployed.id, [(schedule.schedule, schedule.active) for schedule in known.schedules]
        )


def _as_set(schedules: Sequence[DeploymentSchedule]) -> set[tuple[str, bool]]:
    # An interval's anchor is the moment of its making.
    return {(schedule.schedule.model_dump_json(exclude={"anchor_date"}), schedule.active) for schedule in schedules}
