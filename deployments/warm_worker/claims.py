"""A worker's claim on a flow run: the message of its Pending state names the worker's process, so that anybody can
tell later whether that process still lives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import uuid4

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun

from deployments.warm_worker.process_identity import ProcessIdentity, this_process

_CLAIM = re.compile(r"Claimed by (?P<worker>.+) as (?P<host>\S+) (?P<boot>\S+) (?P<pid>\d+) (?P<started>\d+) \(\S+\)$")


@dataclass(frozen=True)
class Claim:
    """Which worker claimed a run, and that worker's process."""

    worker: str
    process: ProcessIdentity

    @property
    def is_mine(self) -> bool:
        """Whether this very process made the claim."""
        return self.process == this_process()


def claim_message(worker: str) -> str:
    """A new claim of this process, different from every other."""
    process = this_process()
    return f"Claimed by {worker} as {process.host_id} {process.boot_id} {process.pid} {process.pid_started} ({uuid4()})"


def read_claim(message: str | None) -> Claim | None:
    """The claim in a state's message, None if it is none."""
    found = _CLAIM.match(message or "")
    if found is None:
        return None
    process = ProcessIdentity(found["host"], found["boot"], int(found["pid"]), int(found["started"]))
    return Claim(found["worker"], process)


async def claim_of(client: PrefectClient, flow_run: FlowRun) -> Claim | None:
    """Who claimed a run last: from its state if it is Pending, else from its states' history."""
    if flow_run.state is not None and flow_run.state.is_pending():
        return read_claim(flow_run.state.message)
    states = await client.read_flow_run_states(flow_run.id)
    claims = (read_claim(state.message) for state in sorted(states, key=lambda state: state.timestamp, reverse=True))
    return next((claim for claim in claims if claim is not None), None)
