"""A worker is silent while its heartbeat stays the same and the server answers; orphans are found on all pages."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.flows import flow
from prefect.states import Running

from deployments.warm_worker import orphans, worker_heartbeats
from deployments.warm_worker.orphans import Orphans
from deployments.warm_worker.process_identity import SILENCE_SECONDS, process_is_gone, this_process
from deployments.warm_worker.worker_heartbeats import WorkerHeartbeats


@flow
def nothing() -> None:
    """Only its runs' states matter here."""


@dataclass
class Clock:
    """This host's monotonic clock, set by the test."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(worker_heartbeats, "time", made)
    return made


@pytest.fixture
async def client(prefect_api: Any) -> AsyncIterator[PrefectClient]:
    async with get_client() as opened:
        yield opened


@pytest.fixture
async def pool(client: PrefectClient) -> str:
    name = f"pool-{uuid.uuid4().hex[:8]}"
    await client.create_work_pool(WorkPoolCreate(name=name, type="process"))
    await client.send_worker_heartbeat(name, "there", 10)
    return name


def gone(heartbeats: WorkerHeartbeats, worker: str = "there") -> bool:
    return process_is_gone(replace(this_process(), host_id="elsewhere/pid:[1]"), heartbeats.silence(worker))


async def looks(heartbeats: WorkerHeartbeats, clock: Clock, seconds: int) -> None:
    for _ in range(seconds // 5):
        clock.now += 5
        await heartbeats.look()


async def test_a_worker_is_gone_after_a_whole_limit_without_a_heartbeat(
    client: PrefectClient, pool: str, clock: Clock
) -> None:
    heartbeats = WorkerHeartbeats(client, pool)
    await looks(heartbeats, clock, 45)
    assert not gone(heartbeats)
    await client.send_worker_heartbeat(pool, "there", 10)
    await looks(heartbeats, clock, 45)
    assert not gone(heartbeats)
    await looks(heartbeats, clock, 10)
    assert gone(heartbeats)


async def test_after_an_outage_of_the_server_counting_begins_anew(
    client: PrefectClient, pool: str, clock: Clock
) -> None:
    heartbeats = WorkerHeartbeats(client, pool)
    await looks(heartbeats, clock, 40)
    clock.now += 300  # the server is away, nobody's heartbeat arrives
    await heartbeats.look()
    assert not gone(heartbeats) and not gone(heartbeats, "never heard of")
    await looks(heartbeats, clock, 40)
    assert not gone(heartbeats)
    await looks(heartbeats, clock, 10)
    assert gone(heartbeats) and gone(heartbeats, "never heard of")


async def test_a_worker_with_rare_heartbeats_is_given_more_time(client: PrefectClient, pool: str, clock: Clock) -> None:
    """One of an earlier release has Prefect's 30 s."""
    await client.send_worker_heartbeat(pool, "rare", 30)
    heartbeats = WorkerHeartbeats(client, pool)
    await looks(heartbeats, clock, 100)
    assert gone(heartbeats) and not gone(heartbeats, "rare")
    await looks(heartbeats, clock, 50)
    assert gone(heartbeats, "rare")


async def test_silence_before_this_hosts_boot_is_by_the_servers_clock(
    client: PrefectClient, pool: str, clock: Clock
) -> None:
    heartbeats = WorkerHeartbeats(client, pool)
    await asyncio.sleep(4)  # the Date of an answer has whole seconds and may be of the second before
    await heartbeats.look()
    assert 1 <= heartbeats.silence("there").seconds <= 120
    assert SILENCE_SECONDS > heartbeats.silence("there").observed_seconds == 0.0


async def test_all_active_runs_are_looked_at(client: PrefectClient, pool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "_PAGE", 2)
    flow_id = await client.create_flow(nothing)
    deployment = await client.create_deployment(flow_id=flow_id, name=uuid.uuid4().hex, work_pool_name=pool)
    runs = [await client.create_flow_run_from_deployment(deployment) for _ in range(5)]
    for run in runs:
        await client.set_flow_run_state(run.id, Running(), force=True)
    found = await Orphans(client, pool, lambda _: False, lambda _: None)._active()
    assert {run.id for run in found} == {run.id for run in runs}
