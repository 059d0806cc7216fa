"""New mail is fetched within seconds: the mailbox is watched, and a run of `fetch-mail` started when something came.

Runs in the gateway. Watches the block `mailbox/default`, while there is one and the schedule of `fetch-mail/mail` is
switched on; the schedule stays what nothing depends on. A mail server that is away is asked again, ever later.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateName,
)
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound

from blocks import Mailbox
from flows.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from flows.mail import MailServer

DEPLOYMENT, MAILBOX = "fetch-mail/mail", "default"
_LOOK_AGAIN_SECONDS, _LONGEST_PAUSE_SECONDS = 30.0, 300.0
_RUN_POLL_SECONDS, _LONGEST_RUN_SECONDS = 1.0, 600.0
# A run that is only scheduled for a later time stops nobody.
_AT_WORK = ["Pending", "Running", "Retrying", "Late", "AwaitingRetry"]

_log = logging.getLogger("receiptflow.mail")


class MailWatcher:
    """Watches the mailbox of one pipeline.

    Args:
        client: Of Prefect, which has the block and starts the runs.
        look_again_seconds: How long to wait where there is nothing to watch.
    """

    def __init__(self, client: PrefectClient, *, look_again_seconds: float = _LOOK_AGAIN_SECONDS) -> None:
        self._client, self._look_again_seconds = client, look_again_seconds
        self._known: tuple[MailServer | None, int] = (None, 0)
        self._failures = 0

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            found = await self._wanted()
            pause = self._look_again_seconds
            if found is not None:
                pause = await self._watch(*found)
            await asyncio.sleep(pause)

    async def _wanted(self) -> tuple[Mailbox, DeploymentResponse] | None:
        """The mailbox and the deployment that empties it, if somebody wants both."""
        try:
            deployment = await self._client.read_deployment_by_name(DEPLOYMENT)
            if deployment.paused or not any(schedule.active for schedule in deployment.schedules):
                return None
            block: Mailbox = await Mailbox.aload(MAILBOX, client=self._client)
        except (ObjectNotFound, ValueError):  # no such deployment, no such block
            return None
        except (httpx.HTTPError, RuntimeError) as error:  # Prefect is away, or somebody filled the block in wrongly
            _log.warning("the mailbox is not watched: %s", error)
            return None
        return block, deployment

    async def _watch(self, block: Mailbox, deployment: DeploymentResponse) -> float:
        """Wait for mail once; how long to pause afterwards, in seconds."""
        # A flow brings all that it needs to run, which the gateways that watch no mailbox need not hold.
        from flows.fetch_mail import access_token, server_of  # noqa: PLC0415
        from flows.mail import MailServerUnavailableError, wait_for_mail  # noqa: PLC0415

        server = server_of(block)
        known = self._known[1] if self._known[0] == server else 0
        stop = threading.Event()
        try:
            token = await access_token(block, MAILBOX, self._client)
            newest = await asyncio.to_thread(wait_for_mail, replace(server, token=token), known, stop)
            if newest is not None:
                await self._fetch(deployment)
                self._known = (server, newest)
        except (ConfigurationError, MailServerUnavailableError, httpx.HTTPError) as error:
            self._failures += 1
            _log.warning("the mailbox is not watched for a while: %s", error)
            return float(min(self._look_again_seconds * 2.0**self._failures, _LONGEST_PAUSE_SECONDS))
        finally:
            stop.set()  # the thread outlives a watcher that is cancelled
        self._failures = 0
        return 0.0

    async def _fetch(self, deployment: DeploymentResponse) -> None:
        """Start a run, once none is at work: a second one would be cancelled, and the mail wait for the schedule."""
        at_work = FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=_AT_WORK)))
        this = DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))
        for _ in range(int(_LONGEST_RUN_SECONDS / _RUN_POLL_SECONDS)):
            if not await self._client.read_flow_runs(flow_run_filter=at_work, deployment_filter=this, limit=1):
                break
            await asyncio.sleep(_RUN_POLL_SECONDS)
        await self._client.create_flow_run_from_deployment(deployment.id)
