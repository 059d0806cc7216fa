"""`fetch-mail` as the run that Prefect makes of it: by TLS from a real server, submitted, told in an artifact."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from export_programs import DEBIAN_PROGRAMS
from ledger_helpers import count
from mail_helpers import a_mail, attach, dovecot, dovecot_with_tls, has_dovecot, opened
from oauth_server import running_oauth
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    DeploymentFilter,
    DeploymentFilterId,
)
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.states import Completed
from pydantic import SecretStr

from blocks import Mailbox
from deployments.ingest import mail_watcher
from deployments.stack import Stack
from flows import fetch_mail as module
from flows.flow_runs.submission import DEPLOYMENT
from flows.ledger.database import Ledger
from flows.mail import MailServer
from flows.pipeline.configuration import Pipeline
from flows.reading.reader import Reader
from flows.receipt_to_expense import receipt_to_expense
from flows.storage import Results

pytestmark = pytest.mark.skipif(
    not has_dovecot() and not os.environ.get(DEBIAN_PROGRAMS), reason="no dovecot here: apt install dovecot-imapd"
)
PDF = b"%PDF-1.4\n%%EOF\n"


async def a_mailbox(name: str, server: MailServer) -> None:
    """The block of a server, by TLS."""
    block = Mailbox(
        host=server.host,
        port=server.port,
        security="tls",
        certificate_authority=server.authority,
        user=server.user,
        password=SecretStr(server.password),
        tokens={"k7Qp2xWz": "anna"},
    )
    await block.asave(name)


def deliver(server: MailServer, *mails: EmailMessage) -> None:
    """Put mails into the mailbox."""
    with opened(server) as box:
        for mail in mails:
            box.append(mail.as_bytes(), "INBOX", dt=None)


@pytest.fixture
def pipeline(ledger: Ledger, s3_client: Any, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """A pipeline on an inbox of its own, which the flow loads."""
    inbox = f"inbox-{uuid.uuid4().hex[:8]}"
    s3_client.create_bucket(Bucket=inbox)
    made = Pipeline(
        inbox_name=inbox,
        s3=s3_client,
        results=Results(s3_client, "results"),
        ledger=ledger,
        open_reader=partial(Reader, engine="tesseract"),
        max_bytes=1000,
        notification=None,
    )

    async def load() -> Pipeline:
        return made

    monkeypatch.setattr(module, "load_pipeline", load)
    return made


async def test_a_run_takes_mails_submits_their_receipts_and_tells_of_them(
    prefect_api: Stack, pipeline: Pipeline, tmp_path: Path
) -> None:
    name = f"mail-{uuid.uuid4().hex[:8]}"
    with dovecot_with_tls(tmp_path) as (server, by_starttls):
        await a_mailbox(name, server)
        mail = attach(attach(a_mail(), PDF, "a.pdf"), PDF + b"2", "b.pdf")
        mail.replace_header("To", "in+k7Qp2xWz@example.com")
        stranger = a_mail("Hello", sender="eve@evil.example", identity="<2@evil.example>")
        deliver(by_starttls, mail, stranger)
        async with get_client() as client:
            flow_id = await client.create_flow(receipt_to_expense)
            deployment = await client.create_deployment(flow_id=flow_id, name=DEPLOYMENT.partition("/")[2])
            try:
                state = await module.fetch_mail(name, return_state=True)
                again = await module.fetch_mail(name, return_state=True)
            finally:
                await client.delete_deployment(deployment)
            run = ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id])
            (artifact,) = await client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=run))
    assert state.message == (
        "1 mails taken with 2 receipts, 2 of them new; 1 mails refused, 0 of them answered; 0 left for the next run"
    )
    assert again.message.startswith("0 mails taken")
    assert "eve@evil.example" in artifact.data
    assert count(pipeline.ledger, "receipts") == 2
    with pipeline.ledger.session() as session:
        submitted = "SELECT count(DISTINCT flow_run_id) FROM receipts WHERE state = 'waiting'"
        assert session.connection().exec_driver_sql(submitted).scalar_one() == 2


async def test_a_refresh_token_that_takes_the_place_of_another_is_kept(prefect_api: Stack, pipeline: Pipeline) -> None:
    """Each is taken once here: the second run would fail with the first one's."""
    name = f"mail-{uuid.uuid4().hex[:8]}"
    with running_oauth() as oauth, dovecot(introspection=oauth.url) as server:
        block = Mailbox(
            host=server.host,
            port=server.port,
            security="none",
            user=server.user,
            tokens={"k7Qp2xWz": "anna"},
            oauth_token_url=f"{oauth.url}/token",
            oauth_client_id="receiptflow",
            oauth_client_secret=SecretStr(oauth.secret),
            oauth_refresh_token=SecretStr("first"),
        )
        await block.asave(name)
        for _ in range(2):
            state = await module.fetch_mail(name, return_state=True)
            assert state.message.startswith("0 mails taken"), state.message
        kept: Mailbox = await Mailbox.aload(name)
    assert kept.oauth_refresh_token.get_secret_value() == "first++"


async def test_new_mail_starts_a_run_at_once_also_after_the_server_was_away(
    prefect_api: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watcher as the gateway runs it; what it starts is counted, and each mail starts one run."""
    name = f"mail-{uuid.uuid4().hex[:8]}"
    monkeypatch.setattr(mail_watcher, "MAILBOX", name)
    async with get_client() as client:
        flow_id = await client.create_flow_from_name("fetch-mail")
        deployment = await client.create_deployment(flow_id, name)
        monkeypatch.setattr(mail_watcher, "DEPLOYMENT", f"fetch-mail/{name}")
        watching = asyncio.create_task(mail_watcher.MailWatcher(client, look_again_seconds=0.2).run())
        runs = partial(_runs_of, client, deployment)
        try:
            with dovecot_with_tls(tmp_path) as (server, by_starttls):
                await a_mailbox(name, server)
                deliver(by_starttls, a_mail())
                await asyncio.sleep(1)
                assert await runs() == 0  # the schedule is not switched on
                schedule = IntervalSchedule(interval=timedelta(days=30), anchor_date=datetime(2040, 1, 1, tzinfo=UTC))
                await client.create_deployment_schedules(deployment, [(schedule, True)])
                await _until(runs, 1)
                deliver(by_starttls, a_mail(identity="<2@example.org>"))
                await _until(runs, 2)
            await asyncio.sleep(1)
            assert not watching.done()
            with dovecot_with_tls(tmp_path) as (server, by_starttls):
                await Mailbox.adelete(name)
                await a_mailbox(name, server)
                deliver(by_starttls, a_mail(identity="<3@example.org>"))
                await _until(runs, 3)
        finally:
            watching.cancel()
            await client.delete_deployment(deployment)


async def _runs_of(client: PrefectClient, deployment: uuid.UUID) -> int:
    """How many runs the watcher has started; each ends at once, as no worker takes it."""
    this = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
    runs = [run for run in await client.read_flow_runs(deployment_filter=this) if not run.auto_scheduled]
    for run in runs:
        if run.state is not None and not run.state.is_final():
            await client.set_flow_run_state(run.id, Completed(), force=True)
    return len(runs)


async def _until(counted: Callable[[], Awaitable[int]], wanted: int) -> None:
    async with asyncio.timeout(60):
        while True:
            found = await counted()
            if found >= wanted:
                break
            await asyncio.sleep(0.2)
    assert found == wanted
