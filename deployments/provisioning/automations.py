"""The automation that notifies of failed and quarantined runs: installed paused, for a person to switch on.

What a person changed in it, and whether it is on, stays; only the deployment that it runs is set again if that was
deleted and made anew.
"""

from __future__ import annotations

from datetime import timedelta

from prefect.client.orchestration import PrefectClient
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger, Posture

FAILED_RUNS = "receiptflow: failed and quarantined runs"
_NOTIFY = "notify-operator/operator"
# Not of notify-operator itself: what fails to notify must not be notified of.
_WATCHED = [
    "receipt-to-expense",
    "sweep-inbox",
    "fetch-mail",
    "reconcile-ledger",
    "deliver-webhooks",
    "prune-history",
    "export-expenses",
    "decide-review",
    "read-region",
    "refresh-rates",
]
_EVENTS = {"prefect.flow-run.Failed", "prefect.flow-run.TimedOut", "prefect.flow-run.Crashed"}


async def install_automations(client: PrefectClient) -> None:
    """Install what is not there yet."""
    action = RunDeployment(
        source="selected",
        deployment_id=(await client.read_deployment_by_name(_NOTIFY)).id,
        parameters={
            "subject": "{{ flow.name }}: {{ flow_run.name }}: {{ flow_run.state.name }}",
            "body": "{{ flow_run.state.message }}",
            # Prefect's own link (`flow_run|ui_url`) is known to the action `send-notification` alone.
            "flow_run_id": "{{ flow_run.id|string }}",
        },
    )
    known = await client.read_automations_by_name(FAILED_RUNS)
    if not known:
        await client.create_automation(_automation(action))
    for one in known:
        await _point_to(client, one, action)


def _automation(action: RunDeployment) -> AutomationCore:
    return AutomationCore(
        name=FAILED_RUNS,
        description=(
            "Sends a message for each run that failed, and so for each receipt that was quarantined, through the "
            "notification block that the block receipt-pipeline/default names. Paused until you switch it on."
        ),
        enabled=False,
        trigger=EventTrigger(
            expect=_EVENTS,
            match={"prefect.resource.id": "prefect.flow-run.*"},
            match_related={"prefect.resource.role": "flow", "prefect.resource.name": _WATCHED},
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[action],
    )


async def _point_to(client: PrefectClient, known: Automation, action: RunDeployment) -> None:
    runs = [one for one in known.actions if isinstance(one, RunDeployment)]
    if len(known.actions) != 1 or not runs or runs[0].deployment_id == action.deployment_id:
        return
    runs[0].deployment_id = action.deployment_id
    await client.update_automation(known.id, AutomationCore(**known.model_dump(exclude={"id", "owner_resource"})))
