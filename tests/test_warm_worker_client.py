"""The warm process's API client spares requests whose answers it knows, and tells nothing but the server's truth.

Held here on a real server, by counting the requests that leave the client: a run that it has just started is read
from memory once, as the server has it, and named again without asking; everything else is asked.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, FlowRunPolicy
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL
from prefect.states import Cancelling, Completed, Pending, Running

from deployments.stack import Stack
from deployments.warm_worker.client import CachingClient, open_client

# What the engine and the runtime context take from the run that they read.
SEEN_BY_ENGINE = (
    "id",
    "name",
    "flow_id",
    "deployment_id",
    "parameters",
    "tags",
    "run_count",
    "start_time",
    "expected_start_time",
    "state_type",
    "state_name",
    "empirical_policy",
    "work_queue_name",
    "idempotency_key",
    "parent_task_run_id",
    "labels",
)


class Watched:
    """A frugal client and the requests that it made."""

    def __init__(self, client: CachingClient) -> None:
        self.client = client
        self.requests: list[str] = []
        client._client.event_hooks["request"].append(self._note)

    async def _note(self, request: httpx.Request) -> None:
        self.requests.append(f"{request.method} {request.url.path.rpartition('/api')[2]}")


@pytest.fixture
async def watched(prefect_api: Stack) -> AsyncIterator[Watched]:
    context, client = await open_client()
    yield Watched(client)
    await context.__aexit__(None, None, None)


@pytest.fixture
async def server(prefect_api: Stack) -> AsyncIterator[PrefectClient]:
    """Prefect's own client, for the truth; made here, as `get_client` may return the frugal one of the context."""
    auth_string = PREFECT_API_AUTH_STRING.value()
    async with PrefectClient(PREFECT_API_URL.value() or "", auth_string=auth_string) as client:
        yield client


async def claimed_run(server: PrefectClient, **options: Any) -> FlowRun:
    """A run as the worker hands it to a child: created, then claimed."""
    flow_id = await server.create_flow_from_name(f"frugal-{uuid.uuid4().hex[:6]}")
    deployment_id = await server.create_deployment(flow_id=flow_id, name="it")
    run = await server.create_flow_run_from_deployment(deployment_id, tags=["a"], **options)
    await server.set_flow_run_state(run.id, Pending(message="claimed"))
    return await server.read_flow_run(run.id)


async def test_a_run_just_started_is_read_from_memory_as_the_server_has_it(
    watched: Watched, server: PrefectClient
) -> None:
    run = await claimed_run(server, name="lunch.jpg", idempotency_key=uuid.uuid4().hex)
    watched.client.know(run)
    result = await watched.client.set_flow_run_state(run.id, Running())
    asked = len(watched.requests)
    read = await watched.client.read_flow_run(run.id)
    assert len(watched.requests) == asked, "it asked although it knew"
    truth = await server.read_flow_run(run.id)
    assert {name: getattr(read, name) for name in SEEN_BY_ENGINE} == {
        name: getattr(truth, name) for name in SEEN_BY_ENGINE
    }
    assert read.state and truth.state and read.state.id == truth.state.id == result.state.id
    assert read.state_id == truth.state_id


async def test_the_second_reading_asks(watched: Watched, server: PrefectClient) -> None:
    run = await claimed_run(server)
    watched.client.know(run)
    await watched.client.set_flow_run_state(run.id, Running())
    await watched.client.read_flow_run(run.id)
    await server.update_flow_run(run.id, tags={"changed"})
    again = await watched.client.read_flow_run(run.id)
    assert again.tags == ["changed"]


async def test_a_resumed_run_counts_its_next_start_and_keeps_its_first(watched: Watched, server: PrefectClient) -> None:
    run = await claimed_run(server)
    await server.set_flow_run_state(run.id, Running())
    await server.set_flow_run_state(run.id, Pending(message="claimed again"), force=True)
    watched.client.know(await server.read_flow_run(run.id))
    await watched.client.set_flow_run_state(run.id, Running())
    read, truth = await watched.client.read_flow_run(run.id), await server.read_flow_run(run.id)
    assert (read.run_count, read.start_time) == (truth.run_count, truth.start_time)
    assert read.run_count == 2


async def test_a_run_that_was_not_started_is_asked_for(watched: Watched, server: PrefectClient) -> None:
    """Whoever cancelled it meanwhile is heard: the server refuses the start, and the next reading is the server's."""
    run = await claimed_run(server)
    watched.client.know(run)
    await server.set_flow_run_state(run.id, Cancelling(), force=True)
    await watched.client.set_flow_run_state(run.id, Running())
    assert (await watched.client.read_flow_run(run.id)).state_name == "Cancelling"


async def test_a_run_that_ended_is_asked_for(watched: Watched, server: PrefectClient) -> None:
    run = await claimed_run(server)
    watched.client.know(run)
    await watched.client.set_flow_run_state(run.id, Running())
    await watched.client.set_flow_run_state(run.id, Completed(name="Cached"))
    assert (await watched.client.read_flow_run(run.id)).state_name == "Cached"


async def test_another_run_is_asked_for(watched: Watched, server: PrefectClient) -> None:
    run, other = await claimed_run(server), await claimed_run(server)
    watched.client.know(run)
    await watched.client.set_flow_run_state(run.id, Running())
    assert (await watched.client.read_flow_run(other.id)).id == other.id


async def test_a_name_that_it_has_is_not_sent_and_another_is(watched: Watched, server: PrefectClient) -> None:
    run = await claimed_run(server, name="lunch.jpg")
    watched.client.know(run)
    await watched.client.set_flow_run_state(run.id, Running())
    asked = len(watched.requests)
    await watched.client.set_flow_run_name(run.id, "lunch.jpg")
    assert len(watched.requests) == asked
    await watched.client.set_flow_run_name(run.id, "dinner.jpg")
    assert (await server.read_flow_run(run.id)).name == "dinner.jpg"


async def test_a_version_that_it_has_is_not_sent_and_another_is(watched: Watched, server: PrefectClient) -> None:
    run = await claimed_run(server)
    await server.update_flow_run(run.id, flow_version="1")
    run = await server.read_flow_run(run.id)
    watched.client.know(run)
    asked = len(watched.requests)
    policy = FlowRunPolicy(retries=0, retry_delay=0)
    await watched.client.update_flow_run(flow_run_id=run.id, flow_version="1", empirical_policy=policy)
    assert len(watched.requests) == asked
    await watched.client.update_flow_run(flow_run_id=run.id, flow_version="2", empirical_policy=policy)
    assert (await server.read_flow_run(run.id)).flow_version == "2"


async def test_retries_are_told_though_the_version_is_known(watched: Watched, server: PrefectClient) -> None:
    """The engine fills its flow's retries into the run that it was given before it asks for them to be kept."""
    run = await claimed_run(server)
    watched.client.know(run)
    run.empirical_policy.retries = 3
    await watched.client.update_flow_run(
        flow_run_id=run.id, flow_version=run.flow_version, empirical_policy=run.empirical_policy
    )
    assert (await server.read_flow_run(run.id)).empirical_policy.retries == 3
