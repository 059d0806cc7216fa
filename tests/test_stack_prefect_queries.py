"""What Prefect's server reads of a run and its deployment, it reads with fewer statements, and it reads the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from deployments.stack import Stack

_CODE = """
import asyncio, json, sys, uuid
from prefect.server import models, schemas
from prefect.server.database import provide_database_interface
from prefect.server.database.orm_models import Flow, Deployment, FlowRun, WorkPool, WorkQueue
from sqlalchemy import event, text
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection

pings = []
real_ping = AsyncAdapt_asyncpg_connection.ping
AsyncAdapt_asyncpg_connection.ping = lambda self: pings.append(1) or real_ping(self)
if sys.argv[1] == "less":
    from deployments.stack.prefect_queries import ask_less
    ask_less()

async def main():
    db = provide_database_interface()
    engine = await db.engine()
    said = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *a: said.append(a[2]))

    async def told(run_id, for_update=False):
        async with db.session_context(begin_transaction=True) as session:
            said.clear()
            run = await models.flow_runs.read_flow_run(session=session, flow_run_id=run_id, for_update=for_update)
            count = len(said)
            queue = run.work_queue
            return {"statements": count, "state": run.state and run.state.name, "queue": queue and queue.name,
                    "pool": queue and queue.work_pool.name, "lock": "OF flow_run" in said[0]}

    name = uuid.uuid4().hex
    async with db.session_context(begin_transaction=True) as session:
        flow = Flow(name=name); session.add(flow); await session.flush()
        pool = await models.workers.create_work_pool(
            session=session, work_pool=schemas.actions.WorkPoolCreate(name=name, type="process"))
        queue_id = pool.default_queue_id
        deployment = await models.deployments.create_deployment(session=session, deployment=schemas.core.Deployment(
            name=name, flow_id=flow.id, work_queue_id=queue_id,
            schedules=[schemas.core.DeploymentSchedule(
                schedule=schemas.schedules.IntervalSchedule(interval=3600), active=False)]))
        bare = await models.flow_runs.create_flow_run(
            session=session, flow_run=schemas.core.FlowRun(flow_id=flow.id))
        full = await models.flow_runs.create_flow_run(session=session, flow_run=schemas.core.FlowRun(
            flow_id=flow.id, deployment_id=deployment.id, work_queue_id=queue_id, state=schemas.states.Pending()))
        ids = bare.id, full.id
        deployment_id, flow_id = deployment.id, flow.id
    found = {
        "bare": await told(ids[0]), "full": await told(ids[1]),
        "bare locked": await told(ids[0], True), "full locked": await told(ids[1], True),
    }
    async with db.session_context() as session:
        said.clear()
        read = await models.deployments.read_deployment(session=session, deployment_id=deployment_id)
        pool_name, schedules = read.work_queue.work_pool.name, len(read.schedules)
        found["deployment"] = {"statements": len(said), "pool": pool_name, "schedules": schedules}
    async with db.session_context() as session:
        wanted = schemas.filters.FlowRunFilter(id=schemas.filters.FlowRunFilterId(any_=list(ids)))
        runs = await models.flow_runs.read_flow_runs(session=session, limit=200, flow_run_filter=wanted)
        found["list"] = sorted(
            [run.work_queue.work_pool.name if run.work_queue else "", run.state.name if run.state else ""]
            for run in runs
        )
    async with db.session_context(begin_transaction=True) as session:
        said.clear()
        await models.flow_runs.create_flow_run(session=session, flow_run=schemas.core.FlowRun(
            flow_id=flow_id, deployment_id=deployment_id, work_queue_id=queue_id, state=schemas.states.Scheduled()),
            orchestration_parameters={"api-version": None})
        found["made"] = {"statements": len(said), "deployments": sum("FROM deployment " in one for one in said)}
    pings.clear()
    for _ in range(10):
        await told(ids[0])
    found["pings"] = len(pings)
    # A connection that the database has ended is replaced.
    async with db.session_context() as session:
        pid = (await session.execute(text("SELECT pg_backend_pid()"))).scalar()
    import asyncpg
    from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL
    other = await asyncpg.connect(str(PREFECT_API_DATABASE_CONNECTION_URL.value()).replace("+asyncpg", ""))
    await other.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
    await other.close()
    found["after the end"] = (await told(ids[0]))["state"]
    print(json.dumps(found).replace(name, "NAME"))

asyncio.run(main())
"""


def _told(stack: Stack, how: str) -> dict[str, Any]:
    url = stack.settings.database_url("prefect", driver="asyncpg")
    done = subprocess.run(
        [sys.executable, "-c", _CODE, how],
        env={**os.environ, "PREFECT_API_DATABASE_CONNECTION_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_same_is_read_by_fewer_statements_and_trials(postgres: Stack) -> None:
    usual, less = _told(postgres, "usual"), _told(postgres, "less")
    counts = {
        key: (usual[key].pop("statements"), less[key].pop("statements")) for key in ("bare", "full", "deployment")
    }
    assert counts == {"bare": (1, 1), "full": (4, 1), "deployment": (4, 2)}
    assert [less[key].pop("statements") for key in ("bare locked", "full locked")] == [1, 1]
    # Else PostgreSQL would refuse to lock what is joined.
    assert less["full locked"].pop("lock") and less["bare locked"].pop("lock")
    made = usual.pop("made"), less.pop("made")
    assert [one["deployments"] for one in made] == [2, 1]
    assert made[1]["statements"] <= made[0]["statements"] / 1.5
    pings = usual.pop("pings"), less.pop("pings")
    assert pings[0] >= 10
    assert pings[1] <= 1
    for key in ("bare locked", "full locked"):
        del usual[key]["statements"], usual[key]["lock"]
    assert less == usual
    assert less["full"] == {"state": "Pending", "queue": "default", "pool": "NAME", "lock": False}
    assert less["deployment"]["schedules"] == 1
