"""A step's states are in Prefect's tables of task runs, and its event feed has no second copy; whoever listens to
events hears of them all the same.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import TaskRun
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.exceptions import ObjectNotFound
from prefect.server.utilities.messaging.memory import MemoryMessage

from deployments.stack import Stack
from deployments.stack.prefect_broker import Consumer
from deployments.stack.prefect_server import prefect_service
from deployments.stack.settings import StackSettings

_SECONDS = 120.0
_STEP = """
import sys
from prefect import task
from prefect.events import emit_event

@task(name="counted")
def counted():
    return 1

state = counted(return_state=True)
# It leaves this process, and is written down, after what the step has told.
emit_event(event=sys.argv[1], resource={"prefect.resource.id": sys.argv[1]})
print(state.state_details.task_run_id)
"""
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
    heard: list[str] = []
    async with get_events_subscriber(filter=EventFilter(event=EventNameFilter(prefix=["prefect.task-run."]))) as events:
        listening = asyncio.create_task(_listen(events, heard))
        run_id = UUID(await _run_a_step(prefect_api, marker))
        await _until(lambda: _kept(prefect_api, marker, began) == 1)
        await _until(lambda: f"{run_id} Completed" in heard)
        listening.cancel()
    async with get_client() as client:
        run = await _completed(client, run_id)
        states = await client.read_task_run_states(run_id)
    assert [one.name for one in states][-2:] == ["Running", "Completed"]
    assert run.start_time and run.end_time and run.run_count == 1
    assert _kept(prefect_api, f"prefect.task-run.{run_id}", began) == 0


async def test_a_runs_events_are_found_by_the_run_and_keep_its_tags(prefect_api: Stack) -> None:
    tag = f"owner:{uuid4()}"
    async with get_client() as client:
        flow = await client.create_flow_from_name("indexed")
        body = {"flow_id": str(flow), "tags": [tag], "state": {"type": "SCHEDULED"}}
        run = (await client.request("POST", "/flow_runs/", json=body)).json()["id"]
        await _until(lambda: _kept(prefect_api, f"prefect.flow-run.{run}", _now() - 600) == 1)
    with psycopg.connect(host=str(prefect_api.settings.socket_dir), user="postgres", dbname="prefect") as connection:
        query = "SELECT id, related::text FROM events WHERE resource_id = %s"
        rows = connection.execute(query, [f"prefect.flow-run.{run}"]).fetchall()
        query = "SELECT resource_id FROM event_resources WHERE event_id = %s"
        indexed = {name for (name,) in connection.execute(query, [rows[0][0]]).fetchall()}
    assert indexed == {f"prefect.flow-run.{run}", f"prefect.flow.{flow}"}
    assert tag in rows[0][1]


async def _run_a_step(stack: Stack, marker: str) -> str:
    """The id of the step's run. In a process of its own: one's events go to the server that it first told any."""
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _STEP, marker),
        env={**os.environ, **stack.environment},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await program.communicate()
    assert program.returncode == 0
    return printed.decode().split()[-1]


def test_the_setting_brings_prefects_own_broker_back(postgres: Stack) -> None:
    for keep, named in ((False, True), (True, False)):
        settings = StackSettings(data_dir=postgres.settings.root, keep_all_events=keep)
        environment = prefect_service(settings, postgres.credentials).env
        assert ("PREFECT_SERVER_EVENTS_MESSAGING_BROKER" in environment) is named


async def _completed(client: PrefectClient, run_id: UUID) -> TaskRun:
    """The step's run, once the server has written that it is over: whoever listens hears of it before that."""
    async with asyncio.timeout(_SECONDS):
        while True:
            with suppress(ObjectNotFound):
                run = await client.read_task_run(run_id)
                if run.state is not None and run.state.is_completed():
                    return run
            await asyncio.sleep(0.1)


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
