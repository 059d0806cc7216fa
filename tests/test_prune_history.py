"""Pruning removes what is over and nothing else: no original, no expense, nothing of a held owner, nothing unfinished.

Retention is a moment here (`Expiry.before`), so that what was made just now can be over already.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import multiprocessing
import os
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from conftest import remove_bucket
from ledger_helpers import EXTRACTION, PROCESS, alive, an_object, begun, count, expensed, received, some_fields
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.flows import flow
from prefect.states import Completed, Failed
from sqlalchemy import text

from blocks import RetentionPolicy
from deployments.stack import Stack
from flows.ledger.database import Ledger, open_ledger
from flows.ledger.notifications import claim_notifications, mark_sent
from flows.ledger.receipts import (
    NewUpload,
    claim_content,
    delete_receipt,
    get_receipt,
    receive,
    record_expense,
    record_quarantine,
    reserve,
)
from flows.ledger.retention import BATCH, Expiry, KeptResults, count_expired, kept_results, remove_expired
from flows.ledger.values import Claimed
from flows.pipeline.configuration import Pipeline
from flows.pruning.prune import prune, prune_rows
from flows.pruning.results import prune_results, replaced_keys
from flows.pruning.runs import prune_runs
from flows.pruning.versions import prune_duplicates
from flows.reconciliation import Counts, Kind, find_discrepancies
from flows.storage import Results

NOW = dt.datetime.now(dt.UTC)
LATER, BEFORE = NOW + dt.timedelta(days=1), NOW - dt.timedelta(days=1)


@pytest.fixture
def pipeline(ledger: Ledger, s3_client: Any) -> Pipeline:
    """The ledger and the buckets; pruning reads no receipt."""

    def no_reader() -> Any:
        raise AssertionError("nothing is read")

    results = Results(s3_client, "results")
    return Pipeline("inbox", s3_client, results, ledger, no_reader, max_bytes=1_000_000, notification=None)


def removed(ledger: Ledger, kind: str, expiry: Expiry) -> int:
    with ledger.session() as session:
        expected = count_expired(kind, expiry, session=session)
        gone = remove_expired(kind, expiry, session=session)
        assert gone == expected, "a dry run says what a run removes"
        assert remove_expired(kind, expiry, session=session) == 0
    return gone


def test_sent_notifications_go_and_pending_ones_stay(ledger: Ledger) -> None:
    sent, pending = expensed(ledger, "anna/1.jpg"), expensed(ledger, "anna/2.jpg", "cd" * 32, total=Decimal(99))
    with ledger.session() as session:
        for one in claim_notifications(PROCESS, process_is_gone=alive, receipt_id=sent.receipt_id, session=session):
            mark_sent(one.id, session=session)
    assert removed(ledger, "notifications", Expiry(BEFORE)) == 0
    assert removed(ledger, "notifications", Expiry(LATER, held=("anna",))) == 0
    assert removed(ledger, "notifications", Expiry(LATER)) == 1
    with ledger.session() as session:
        left = claim_notifications(PROCESS, process_is_gone=alive, session=session)
    assert [one.receipt_id for one in left] == [pending.receipt_id]
    assert count(ledger, "expenses") == 2


def test_the_history_of_deleted_receipts_goes_and_that_of_others_stays(ledger: Ledger) -> None:
    there, gone = expensed(ledger, "anna/1.jpg"), received(ledger, "anna/2.jpg")
    with ledger.session() as session:
        delete_receipt(gone, "by its owner", session=session)
    before = count(ledger, "state_changes")
    assert removed(ledger, "audit", Expiry(LATER, held=("somebody",))) == 0, "whose it was is not known any more"
    went = removed(ledger, "audit", Expiry(LATER))
    assert went > 0 and count(ledger, "state_changes") == before - went
    with ledger.session() as session:
        assert get_receipt(there.receipt_id, session=session).state.is_final


def prune_audit(url: str) -> None:
    """What the child process does until it is killed."""
    prune_rows(open_ledger(url), "audit", Expiry(LATER), dry_run=False)


def test_a_pass_that_is_killed_is_ended_by_the_next(ledger: Ledger, ledger_url: str) -> None:
    attempt = expensed(ledger)
    own = count(ledger, "state_changes")
    with ledger.session() as session:
        session.execute(
            text("INSERT INTO state_changes (receipt_id) SELECT gen_random_uuid() FROM generate_series(1, :rows)"),
            {"rows": 60_000},
        )
    child = multiprocessing.get_context("spawn").Process(target=prune_audit, args=(ledger_url,))
    child.start()
    while count(ledger, "state_changes") == own + 60_000:
        assert child.is_alive()
    child.kill()
    child.join()
    left = count(ledger, "state_changes") - own
    assert 0 < left < 60_000 and left % BATCH == 0, "whole batches went"
    assert prune_rows(ledger, "audit", Expiry(LATER), dry_run=True) == left
    assert prune_rows(ledger, "audit", Expiry(LATER), dry_run=False) == left
    assert count(ledger, "state_changes") == own
    with ledger.session() as session:
        assert get_receipt(attempt.receipt_id, session=session).state.is_final


def test_only_replaced_outputs_go() -> None:
    old, new = NOW - dt.timedelta(days=9), NOW
    outputs = [
        ("ab/extract_text/1.json", old),
        ("ab/extract_text/2.json", new),
        ("ab/extract_text/0.json", old),
        ("ab/parse_receipt/1.json", old),
        ("ab/parse_receipt/1.json.answer.txt", old),
        ("ab/parse_receipt/2.json", new),
        ("ab/read_page/1/19.json", old),
        ("ab/preview.jpg", old),
    ]
    kept = KeptResults(may_go=True, referred_to=frozenset({"ab/extract_text/1.json"}))
    kept_preview = [one for one in outputs if "/" in one[0].partition("/")[2]]
    assert sorted(replaced_keys(kept_preview, kept, NOW - dt.timedelta(days=1))) == [
        "ab/extract_text/0.json",
        "ab/parse_receipt/1.json",
        "ab/parse_receipt/1.json.answer.txt",
        "ab/read_page/1/19.json",
    ]
    assert not list(replaced_keys(kept_preview, kept, old))


def test_results_of_unfinished_held_and_unknown_contents_stay(pipeline: Pipeline) -> None:
    sha256 = uuid.uuid4().hex * 2
    for version in ("1", "2"):
        pipeline.results.put(f"{sha256}/extract_text/{version}.json", b"{}")
        pipeline.results.put(f"{uuid.uuid4().hex * 2}/extract_text/{version}.json", b"{}")
    mine = [key for key, _, _ in pipeline.results.all_objects() if key.startswith(sha256)]
    assert prune_results(pipeline, Expiry(LATER), dry_run=False) == 0, "the ledger knows none of them"
    expensed(pipeline.ledger, "anna/1.jpg", sha256)
    assert prune_results(pipeline, Expiry(LATER, held=("anna",)), dry_run=False) == 0
    assert prune_results(pipeline, Expiry(LATER), dry_run=True) == 1
    assert prune_results(pipeline, Expiry(LATER), dry_run=False) == 1
    left = [key for key, _, _ in pipeline.results.all_objects() if key.startswith(sha256)]
    assert len(mine) == 2 and len(left) == 1
    begun(pipeline.ledger, received(pipeline.ledger, "anna/1.jpg"), force=True)
    with pipeline.ledger.session() as session:
        assert not kept_results([sha256], (), session=session)[sha256].may_go


def test_only_overwritten_duplicates_go_from_the_inbox(pipeline: Pipeline) -> None:
    """Beside it the overwritten version that was posted, and the only copy of something: both are originals."""
    inbox, ledger = pipeline.inbox(), pipeline.ledger
    folder = f"anna/{uuid.uuid4().hex}"
    sha256 = uuid.uuid4().hex * 2
    posted = inbox.put(f"{folder}/a.jpg", b"bought")
    repeated = inbox.put(f"{folder}/b.jpg", b"bought")
    for version, other in ((posted, b"other"), (repeated, b"another")):
        inbox.put(version.key, other)
    for version in (posted, repeated):
        received_at = received(ledger, version.key, etag=version.etag, version_id=version.version_id)
        attempt = begun(ledger, received_at)
        with ledger.session() as session:
            if isinstance(claim_content(attempt, sha256, session=session), Claimed):
                record_expense(attempt, some_fields(), EXTRACTION, session=session)
    assert prune_duplicates(pipeline, Expiry(BEFORE), dry_run=False) == 0
    assert prune_duplicates(pipeline, Expiry(LATER, held=("anna",)), dry_run=False) == 0
    assert prune_duplicates(pipeline, Expiry(LATER), dry_run=True) == 1
    assert prune_duplicates(pipeline, Expiry(LATER), dry_run=False) == 1
    assert inbox.holds(posted) and not inbox.holds(repeated)
    assert prune_duplicates(pipeline, Expiry(LATER), dry_run=False) == 0


@flow(name="receipt-to-expense")
def receipt_to_expense() -> None:
    """Only its runs' states matter here."""


async def _run(state: Any, *tags: str, **parameters: str) -> FlowRun:
    async with get_client() as client:
        flow_id = await client.create_flow(receipt_to_expense)
        body = {"flow_id": str(flow_id), "tags": tags, "parameters": parameters, "state": {"type": "RUNNING"}}
        run_id = (await client.request("POST", "/flow_runs/", json=body)).json()["id"]
        await client.set_flow_run_state(run_id, state, force=True)
        return await client.read_flow_run(run_id)


@pytest.mark.usefixtures("prefect_api")
def test_runs_go_but_those_that_recovery_or_a_hold_needs(ledger: Ledger) -> None:
    asyncio.run(_prune_runs(ledger))


async def _prune_runs(ledger: Ledger) -> None:
    done, held, by_hand = (
        await _run(Completed(), "owner:acme"),
        await _run(Completed(), "owner:held"),
        await _run(Completed(), key="held/1.jpg"),
    )
    unfinished = await _run(Failed())
    begun(ledger, received(ledger, "acme/7.jpg"), unfinished.id)
    async with get_client() as client:

        async def left() -> set[uuid.UUID]:
            return {run.id for run in await client.read_flow_runs()}

        assert await prune_runs(client, ledger, Expiry(BEFORE), dry_run=False) == 0
        expected = await prune_runs(client, ledger, Expiry(LATER, held=("held",)), dry_run=True)
        assert expected >= 1 and done.id in await left()
        assert await prune_runs(client, ledger, Expiry(LATER, held=("held",)), dry_run=False) == expected
        assert {held.id, by_hand.id, unfinished.id} <= await left()
        assert done.id not in await left()


def test_defaults_keep_what_the_law_may_ask_for() -> None:
    policy = RetentionPolicy()
    assert (policy.audit_days, policy.duplicates_days) == (0, 0)
    assert policy.flow_runs_days == policy.notifications_days == 90


@pytest.fixture
def own_buckets(ledger: Ledger, s3_client: Any) -> Iterator[Pipeline]:
    """A pipeline on buckets of its own, the inbox with versions."""
    inbox, results = f"inbox-{uuid.uuid4().hex[:8]}", f"results-{uuid.uuid4().hex[:8]}"
    for bucket in (inbox, results):
        s3_client.create_bucket(Bucket=bucket)
    s3_client.put_bucket_versioning(Bucket=inbox, VersioningConfiguration={"Status": "Enabled"})
    yield Pipeline(inbox, s3_client, Results(s3_client, results), ledger, _no_reader, 1_000_000, notification=None)
    for bucket in (inbox, results):
        remove_bucket(s3_client, bucket)


def _no_reader() -> Any:
    raise AssertionError("nothing is read")


@pytest.mark.usefixtures("prefect_api")
def test_reconciling_finds_nothing_after_everything_that_may_go_went(own_buckets: Pipeline) -> None:
    """The same as before: nothing of a pipeline in which everything that pruning knows has outlived its day."""
    _fill(own_buckets)
    before = asyncio.run(_discrepancies(own_buckets))
    pruned = asyncio.run(_prune_everything(own_buckets))
    assert {kind: count for kind, count in pruned.items() if not count} == {}, "each kind had something to remove"
    assert asyncio.run(_discrepancies(own_buckets)) == before == []


def _fill(pipeline: Pipeline) -> None:
    """One posted receipt, its overwritten copy, results of two versions, a sent notification, a deleted receipt."""
    sha256, ledger, inbox = uuid.uuid4().hex * 2, pipeline.ledger, pipeline.inbox()
    for key in ("anna/a.jpg", "anna/b.jpg"):
        version = inbox.put(key, b"bought")
        names = {"bucket": inbox.bucket, "etag": version.etag, "version_id": version.version_id}
        attempt = begun(ledger, received(ledger, key, **names))
        with ledger.session() as session:
            if isinstance(claim_content(attempt, sha256, session=session), Claimed):
                record_expense(attempt, some_fields(), EXTRACTION, session=session)
    other = inbox.put("anna/b.jpg", b"other")
    names = {"bucket": inbox.bucket, "etag": other.etag, "version_id": other.version_id}
    overwriting = begun(ledger, received(ledger, "anna/b.jpg", **names))
    for version in ("1", "2"):
        pipeline.results.put(f"{sha256}/extract_text/{version}.json", b"{}")
    with ledger.session() as session:
        record_quarantine(overwriting, "broken", session=session)
        gone = receive(an_object("anna/gone.jpg", bucket=inbox.bucket), session=session).receipt_id
        reserve([NewUpload("anna", inbox.bucket, "anna/a.jpg", "image/jpeg")], session=session)
        delete_receipt(gone, "by its owner", session=session)
        for one in claim_notifications(PROCESS, process_is_gone=alive, session=session):
            mark_sent(one.id, session=session)


async def _discrepancies(pipeline: Pipeline) -> list[str]:
    """But of runs without receipts: the server has those of other tests."""
    async with get_client() as client:
        found = [one async for one in find_discrepancies(pipeline, client, Counts())]
    of_others = {Kind.RUN_WITHOUT_RECEIPT, Kind.TASK_LEFT_OPEN}
    return [f"{one.kind}: {one.subject}" for one in found if one.kind not in of_others]


async def _prune_everything(pipeline: Pipeline) -> Counter[str]:
    await _run(Completed(), "owner:acme")
    tomorrow = dict.fromkeys(RetentionPolicy.model_fields, -1) | {"legal_hold": []}
    async with get_client() as client:
        return await prune(pipeline, client, RetentionPolicy.model_construct(**tomorrow), dry_run=False)


_VACUUM = """
import asyncio
from prefect.server.database import provide_database_interface
from prefect.server.services.db_vacuum import vacuum_orphaned_artifacts, vacuum_stale_artifact_collections

async def vacuum():
    db = provide_database_interface()
    await vacuum_orphaned_artifacts(db=db)
    await vacuum_stale_artifact_collections(db=db)

asyncio.run(vacuum())
"""


def test_the_servers_vacuum_is_on_and_takes_the_artifacts_of_deleted_runs_alone(prefect_api: Stack) -> None:
    """Its next pass may be a day away, so what it does then is done now, by Prefect's own code on the same database."""
    asyncio.run(_vacuum(prefect_api))


async def _vacuum(stack: Stack) -> None:
    kept, deleted = await _run(Completed(), "owner:acme"), await _run(Completed(), "owner:acme")
    async with get_client() as client:
        shown = (await client.request("GET", "/admin/settings")).json()
        assert set(shown["server"]["services"]["db_vacuum"]["enabled"]) == {"events", "orphans"}
        for run in (kept, deleted):
            artifact = {"key": f"a-{run.id}", "type": "markdown", "data": "secret", "flow_run_id": str(run.id)}
            await client.request("POST", "/artifacts/", json=artifact)
        await client.delete_flow_run(deleted.id)
        database = stack.settings.database_url("prefect", driver="asyncpg")
        env = {**os.environ, "PREFECT_API_DATABASE_CONNECTION_URL": database}
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", _VACUUM], env=env, check=True, timeout=120)
        left = {artifact.flow_run_id for artifact in await client.read_artifacts()}
    assert kept.id in left and deleted.id not in left
