"""Make what the flows stand on: ledger tables, buckets' blocks, work pool with its queues, deployments.

Idempotent: run it again after an update or a change of addresses. What a person changed in the Prefect UI (OCR
settings, notification, queue limits, the pool's job template) stays.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.context import AsyncClientContext
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.variables import Variable
from prefect_aws import AwsCredentials
from prefect_aws.client_parameters import AwsClientParameters
from prefect_aws.s3 import S3Bucket
from pydantic import SecretStr

import flows
from blocks import (
    ActualServer,
    ExpenseDatabase,
    FireflyServer,
    LlmParser,
    Mailbox,
    OcrEngine,
    ReceiptPipeline,
    RetentionPolicy,
)
from deployments.provisioning.automations import install_automations
from deployments.provisioning.names import POOL
from deployments.provisioning.project_file import deployments_of, load_flows
from deployments.provisioning.schedules import keep_schedules
from deployments.receipt_worker import ReceiptWorker
from deployments.s3 import BOTO_CONFIG
from flows.flow_runs.submission import BACKLOG_QUEUE, FRESH_QUEUE
from flows.ledger.migrate import upgrade
from flows.pipeline.configuration import PIPELINE_BLOCK
from flows.prune_history import POLICY_BLOCK

PROJECT_FILE = Path(__file__).resolve().with_name("prefect.yaml")
# A lower number goes first: the rare sweep, then single uploads, then backfills.
QUEUES = {"housekeeping": 1, FRESH_QUEUE: 2, BACKLOG_QUEUE: 10}
_DEPLOYED = "receiptflow_deployed"
# What releases before this one deployed and this one does not: their schedules would make runs that fail.
RETIRED = ("reconcile-books/all", "reconcile-ledger/all", "deliver-webhooks/all", "reconcile-ledger/ledger")


@dataclass(frozen=True)
class StorageAddress:
    """Where the two buckets are. `endpoint_url` is None for AWS itself; without keys boto looks for credentials."""

    endpoint_url: str | None
    access_key: str | None
    secret_key: SecretStr | None
    region: str = "us-east-1"
    inbox: str = "inbox"
    results: str = "results"


def import_flows() -> None:
    """Import what `provision` deploys, which may be done before there is a server."""
    load_flows(PROJECT_FILE)


async def provision(storage: StorageAddress, database_url: SecretStr, public_url: str = "") -> None:
    """Make or refresh everything; needs PREFECT_API_URL to point to a running server.

    Args:
        storage: The buckets.
        database_url: The ledger's.
        public_url: Under which people reach the pages; empty leaves the one that the block has.
    """
    upgrade(database_url.get_secret_value())
    async with AsyncClientContext.get_or_create() as context:  # each client would read all authorities' certificates
        await save_blocks(storage, database_url, public_url)
        await _make_pool(context.client)
        await _deploy(context.client)
        await _remove_retired(context.client)


async def save_blocks(storage: StorageAddress, database_url: SecretStr, public_url: str) -> None:
    credentials = AwsCredentials(
        aws_access_key_id=storage.access_key,
        aws_secret_access_key=storage.secret_key,
        region_name=storage.region,
        aws_client_parameters=AwsClientParameters(endpoint_url=storage.endpoint_url, config=BOTO_CONFIG),
    )
    await credentials.asave("receiptflow", overwrite=True)
    inbox = S3Bucket(bucket_name=storage.inbox, credentials=credentials)
    results = S3Bucket(bucket_name=storage.results, credentials=credentials)
    database = ExpenseDatabase(url=database_url)
    await inbox.asave("inbox", overwrite=True)
    await results.asave("results", overwrite=True)
    await database.asave("expenses", overwrite=True)
    kept = await _kept_settings()
    if public_url:
        kept["public_url"] = public_url
    pipeline = ReceiptPipeline(database=database, **kept)
    await pipeline.asave(PIPELINE_BLOCK, overwrite=True)
    await _keep_or_make_policy()
    for optional in (LlmParser, Mailbox, ActualServer, FireflyServer):  # nobody needs one, but the UI shall offer it
        await optional.aregister_type_and_schema()


async def _keep_or_make_policy() -> None:
    try:
        await RetentionPolicy.aload(POLICY_BLOCK)
    except ValueError:
        await RetentionPolicy().asave(POLICY_BLOCK, overwrite=True)


async def _kept_settings() -> dict[str, Any]:
    """What a person may have set in the UI, or the defaults at the first time."""
    try:
        known: ReceiptPipeline = await ReceiptPipeline.aload(PIPELINE_BLOCK)
    except ValueError:
        ocr = OcrEngine()
        await ocr.asave("reading", overwrite=True)
        return {"ocr": ocr}
    kept = ("ocr", "notification", "llm", "public_url")
    return {name: getattr(known, name) for name in kept}


async def _make_pool(client: PrefectClient) -> None:
    with suppress(ObjectAlreadyExists):  # kept then, as a person may have changed it
        await client.create_work_pool(
            WorkPoolCreate(
                name=POOL,
                type=ReceiptWorker.type,
                description="Receipts, read in warm processes.",
                base_job_template=ReceiptWorker.get_default_base_job_template(),
            )
        )
    for name, priority in QUEUES.items():
        await _make_queue(client, name, priority)


async def _make_queue(client: PrefectClient, name: str, priority: int) -> None:
    try:
        await client.read_work_queue_by_name(name, work_pool_name=POOL)
    except ObjectNotFound:
        await client.create_work_queue(name, work_pool_name=POOL, priority=priority)


async def _deploy(client: PrefectClient) -> None:
    """Make what prefect.yaml says, unless this very file and code are deployed already, and nobody deleted one."""
    fingerprint = _fingerprint()
    deployed: Any = await Variable.aget(_DEPLOYED, default=None)
    if deployed == fingerprint and await _all_exist(client):
        return
    before = await client.read_deployments()
    for one in deployments_of(PROJECT_FILE):
        await one.apply(before)
    await keep_schedules(client, before)
    await install_automations(client)
    await Variable.aset(_DEPLOYED, fingerprint, overwrite=True)


async def _remove_retired(client: PrefectClient) -> None:
    """Delete them with their runs that are still to come; what has run stays."""
    for name in RETIRED:
        with suppress(ObjectNotFound):
            deployment = await client.read_deployment_by_name(name)
            await client.delete_deployment(deployment.id)


async def _all_exist(client: PrefectClient) -> bool:
    wanted = {deployment.entrypoint for deployment in deployments_of(PROJECT_FILE)}
    return wanted <= {deployment.entrypoint for deployment in await client.read_deployments()}


def _fingerprint() -> str:
    """Of what is deployed: prefect.yaml, the flows' signatures, the automations."""
    here = [PROJECT_FILE, Path(__file__), *map(PROJECT_FILE.with_name, ("automations.py", "project_file.py"))]
    files = [*here, *sorted(Path(str(flows.__file__)).parent.glob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
