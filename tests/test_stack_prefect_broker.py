"""A step's states are in Prefect's tables of task runs, and its event feed has no second copy; whoever listens to
events hears of them all the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from prefect import task
from prefect.client.orchestration import get_client
from prefect.events import emit_event
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.server.utilities.messaging.memory import MemoryMessage

from deployments.stack import Stack
from deployments.stack.prefect_broker import Consumer
from deployments.stack.prefect_server import prefect_service
from deployments.stack.settings import StackSettings

_SECONDS = 30.0
_COPIES = ("prefect.task-run.Completed", "prefect.artifact.created", "prefect.flow-run.heartbeat")


@pytest.mark.parametrize(
    ("group", "read"),
    [
        ("event-persister", ["prefect.flow-run.Completed", "receiptflow.received", ""]),
        ("task-run-recorder", ["prefect.task-run.Completed"]),
        ("reactive-triggers", [*_COPIES, "prefect.flow-run.Completed", "receiptflow.received", ""]),
    ],
)
async def test_each_service_reads_what_it_uses(group: str, read: list[str]) -> None:
    consumer, seen = Consumer(f"topic-{group}", group=group, concurrency=1), []

    async def handler(message: Any) -> None:
        seen.append(message.attributes.get("event", ""))

    reading = asyncio.create_task(consumer.run(handler))
    for name in (*_COPIES, "prefect.flow-run.Completed", "receiptflow.received"):
        await consumer.topic.publish(MemoryMessage(b"{}", {"id": name, "event": name}))
    await consumer.topic.publish(MemoryMessage(b"{}", {"id": "nameless"}))
    await _until(lambda: seen[-1:] == read[-1:] and len(seen) >= len(read))
    reading.cancel()
    assert seen == read


async def test_a_steps_states_are_kept_once(prefect_api: Stack) -> None:
    marker, began = f"marker.{uuid4()}", _now()

    @task(name="counted")
    async def counted() -> int:
        return 1

    heard: list[str] = []
    async with get_events_subscriber(filter=EventFilter(event=EventNameFilter(prefix=["prefect.task-run."]))) as events:
        listening = asyncio.create_task(_listen(events, heard))
        state = await counted(return_state=True)
        run_id = state.state_details.task_run_id
        # It leaves this process, and is written down, after what the step has told.
        emit_event(event=marker, resource={"prefect.resource.id": marker})
        await _until(lambda: _kept(prefect_api, marker, began) == 1)
        await _until(lambda: f"{run_id} Completed" in heard)
        listening.cancel()
    async with get_client() as client:
        states = await client.read_task_run_states(run_id)
        run = await client.read_task_run(run_id)
    assert [one.name for one in states][-2:] == ["Running", "Completed"]
    assert run.start_time and run.end_time and run.run_count == 1
    assert _kept(prefect_api, f"prefect.task-run.{run_id}", began) == 0


def test_the_setting_brings_prefects_own_broker_back(postgres: Stack) -> None:
    for keep, named in ((False, True), (True, False)):
        settings = StackSettings(data_dir=postgres.settings.root, keep_all_events=keep)
        environment = prefect_service(settings, postgres.credentials).env
        assert ("PREFECT_SERVER_EVENTS_MESSAGING_BROKER" in environment) is named


async def _listen(events: Any, heard: list[str]) -> None:
    async for event in events:
        heard.append(f"{event.resource.id.rpartition('.')[2]} {event.event.rpartition('.')[2]}")  # noqa: PERF401 - as they come


def _kept(stack: Stack, resource: str, since: float) -> int:
    """How many events the feed has about a resource."""
    host = str(stack.settings.socket_dir)
    with psycopg.connect(host=host, user="postgres", dbname="prefect") as connection:
        query = "SELECT count(*) FROM events WHERE resource_id = %s AND extract(epoch FROM occurred) > %s"
        row = connection.execute(query, [resource, since]).fetchone()
    return row[0] if row else 0


def _now() -> float:
    return time.time() - 1


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(_SECONDS):
        while not holds():  # noqa: ASYNC110 - what is awaited is another process's
            await asyncio.sleep(0.1)
