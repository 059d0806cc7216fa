"""A whole running pipeline for the recovery tests: stack, worker, the real flow with a reader that obeys the tests."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import os
import signal
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import psycopg
import pytest
from conftest import s3_client_of
from PIL import Image, ImageDraw, ImageFont
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from deployments.ingest.local_files import submit
from deployments.provisioning.names import POOL
from deployments.provisioning.prefect_objects import StorageAddress, provision
from deployments.stack import Stack
from deployments.stack.app_services import SPARE, worker_service
from deployments.stack.settings import StackSettings
from flows.ledger.database import open_ledger
from flows.ledger.receipts import get_receipt, receive
from flows.ledger.schema import Source
from flows.ledger.values import ReceivedObject
from flows.ledger.views import ReceiptView
from flows.pipeline.configuration import Pipeline
from flows.pipeline.durable_step import EXECUTION_LOG
from flows.reading.reader import Reader
from flows.storage import Results

WAIT_SECONDS = 480
TESTS = Path(__file__).parent


def until(condition: Callable[[], Any], what: str = "it", *, every_seconds: float = 0.1) -> Any:
    """Wait until the condition gives something true, and return that.

    Asking costs the servers what the tests wait for: only what is at hand is asked for more often.
    """
    end = time.monotonic() + WAIT_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(every_seconds)
    return found


def _lines(chance: int) -> tuple[str, ...]:
    """What is printed: a purchase of its own, which no other picture of the same owner shows."""
    day, cents = f"2026-11-{1 + chance % 20:02d}", chance // 20 % 9000
    bread, cheese = f"{4 + cents // 100}.{cents % 100:02d}", "8.00"
    total = f"{12 + cents // 100}.{cents % 100:02d}"
    time = f"{8 + chance // 7 % 12:02d}:{chance // 11 % 60:02d}"
    return (
        *("CORNER SHOP", "12 High Street", f"{day} {time}", f"Bread {bread} EUR", f"Cheese {cheese} EUR"),
        *(f"TOTAL {total} EUR", f"No. {chance % 10**8}"),
    )


def picture(comment: str = "") -> bytes:
    """A small readable receipt that no other call gave, with a comment for the reader in it."""
    buffer = io.BytesIO()
    _printed().save(buffer, "JPEG", quality=90)
    data, text = buffer.getvalue(), comment.encode()
    return data[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + data[2:]


def document(pages: int, comment: str = "") -> bytes:
    """A PDF of so many readable receipts, with a comment for the reader in front of it."""
    buffer = io.BytesIO()
    _printed().save(buffer, "PDF", save_all=True, append_images=[_printed() for _ in range(pages - 1)])
    return f"%{comment}\n".encode() + buffer.getvalue()


def _printed() -> Image.Image:
    image = Image.new("L", (500, 420), 255)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(30)
    for number, line in enumerate(_lines(uuid4().int)):
        draw.text((30, 20 + 55 * number), line, fill=0, font=font)
    return image


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the execution log."""

    event: str
    step: str
    subject: str
    version: str
    pid: int


@dataclasses.dataclass
class Live:
    """The running pipeline as a test sees it."""

    stack: Stack
    pipeline: Pipeline
    client: SyncPrefectClient
    log: Path

    def add(self, data: bytes, owner: str = "acme") -> UUID:
        """Hand a picture in as the command line does; its receipt."""
        version = self.pipeline.inbox().put(f"{owner}/{uuid4().hex}.jpg", data)
        received = ReceivedObject(
            bucket=version.bucket,
            key=version.key,
            etag=version.etag,
            version_id=version.version_id,
            owner=owner,
            source=Source.CLI,
        )
        with self.pipeline.ledger.session() as session:
            receipt_id = receive(received, session=session).receipt_id
        asyncio.run(submit(self.pipeline, [receipt_id]))
        return receipt_id

    def receipt(self, receipt_id: UUID) -> ReceiptView:
        """The receipt as it is now."""
        with self.pipeline.ledger.session() as session:
            return get_receipt(receipt_id, session=session)

    def final(self, receipt_id: UUID) -> ReceiptView:
        """The receipt once it is processed."""

        def done() -> ReceiptView | None:
            receipt = self.receipt(receipt_id)
            return receipt if receipt.state.is_final else None

        found: ReceiptView = until(done, f"a final state of {receipt_id}")
        return found

    def lines(self, step: str, event: str = "started", subject: str = "") -> list[Line]:
        """What steps wrote about themselves; with no event named, of all events."""
        if not self.log.exists():
            return []
        split = (line.split("\t") for line in self.log.read_text().splitlines())
        found = [Line(parts[1], parts[2], parts[3], parts[4], int(parts[5])) for parts in split]
        return [one for one in found if one.step == step and event in {"", one.event} and subject in one.subject]

    def started(self, step: str, subject: str = "", *, times: int = 1, event: str = "started") -> Line:
        """Wait for a step to write that it started so many times; its last line."""

        def written() -> list[Line]:
            found = self.lines(step, event, subject)
            return found if len(found) >= times else []

        lines: list[Line] = until(written, f"{event} {step}", every_seconds=0.01)
        return lines[-1]

    def run(self, receipt: ReceiptView) -> FlowRun:
        """The flow run that a receipt was worked on by."""
        assert receipt.flow_run_id is not None
        return self.client.read_flow_run(receipt.flow_run_id)

    def ended(self, receipt: ReceiptView) -> FlowRun:
        """The same once it has ended."""

        def done() -> FlowRun | None:
            run = self.run(receipt)
            return run if run.state and run.state.is_final() else None

        found: FlowRun = until(done, f"the end of flow run {receipt.flow_run_id}")
        return found

    def states(self, receipt: ReceiptView) -> list[str]:
        """The names of all states that its flow run went through."""
        assert receipt.flow_run_id is not None
        return [state.name or "" for state in self.client.read_flow_run_states(receipt.flow_run_id)]

    def open_tasks(self, receipt: ReceiptView) -> list[Any]:
        """Its task runs that nobody has ended."""
        filters = {"flow_runs": {"id": {"any_": [str(receipt.flow_run_id)]}}}
        found = self.client.request("POST", "/task_runs/filter", json=filters).json()
        return [task for task in found if task["state_type"] in {"RUNNING", "PENDING"}]

    def task_states(self, receipt: ReceiptView) -> set[str]:
        """The names of its task runs' states."""
        filters = {"flow_runs": {"id": {"any_": [str(receipt.flow_run_id)]}}}
        return {task["state_name"] for task in self.client.request("POST", "/task_runs/filter", json=filters).json()}

    def require_one_expense(self, receipt_id: UUID, *, unlogged: str = "") -> ReceiptView:
        """Wait for the end and see that all there is is single: run, expense, notification, effects of each step.

        `unlogged` is the step whose process may have been killed before it could log that its result was durable.
        """
        receipt = self.final(receipt_id)
        assert receipt.state.value in {"expensed", "review"}, receipt.reason
        assert self.ended(receipt).state_name == "Completed"
        self.require_single_effects(receipt, unlogged=unlogged)
        until(lambda: not self.open_tasks(receipt), "the end of all its task runs")
        return receipt

    def require_single_effects(self, receipt: ReceiptView, *, unlogged: str = "") -> None:
        """Assert: processed once, its owner notified once, no step begun after its result was durable."""
        with self.database("ledger") as connection:
            sent = connection.execute("SELECT count(*) FROM notifications WHERE receipt_id = %s", [receipt.id])
            assert sent.fetchone() == (1,)
            ended = connection.execute(
                "SELECT to_state FROM state_changes WHERE receipt_id = %s AND to_state NOT IN ('waiting', 'running')",
                [receipt.id],
            )
            assert ended.fetchall() == [(receipt.state.value,)]
        assert receipt.sha256 is not None
        for step, subject in (("extract_text", receipt.sha256), ("record_expense", str(receipt.id))):
            events = [line.event for line in self.lines(step, "", subject)]
            if step == unlogged and "durable" not in events:
                continue
            assert events.count("durable") == 1, f"{step}: {events}"
            assert events[-1] == "durable", f"{step} began again: {events}"

    def worker(self) -> psutil.Process:
        """The process that takes runs from the work pool: of the master's children the one in its session."""
        master = psutil.Process(self.stack.pids()["worker"])
        (worker,) = (one for one in master.children() if os.getsid(one.pid) != one.pid and not is_spare(one))
        return worker

    def spare(self) -> psutil.Process:
        """The process that takes over when the master is killed, as soon as there is one."""

        def found() -> psutil.Process | None:
            children = psutil.Process(self.stack.pids()["worker"]).children()
            return next((one for one in children if is_spare(one) and one.status() != psutil.STATUS_ZOMBIE), None)

        spare: psutil.Process = until(found, "the spare")
        return spare

    def zygote(self) -> psutil.Process:
        """The process that the flow runs' processes are forked from."""
        master = psutil.Process(self.stack.pids()["worker"])
        return next(one for one in master.children() if os.getsid(one.pid) == one.pid and one.children())

    def worker_tree(self) -> list[psutil.Process]:
        """The worker's processes, the master first, without its spare."""
        master = psutil.Process(self.stack.pids()["worker"])
        return [master, *(one for one in master.children(recursive=True) if not is_spare(one))]

    def database(self, name: str) -> psycopg.Connection[Any]:
        """A connection outside all code under test."""
        host = str(self.stack.settings.socket_dir)
        return psycopg.connect(host=host, user="postgres", dbname=name, autocommit=True)


def is_spare(process: psutil.Process) -> bool:
    """Whether it is the process that only waits for the death of the worker's master."""
    try:
        return process.name() == SPARE
    except psutil.NoSuchProcess:
        return False


def kill(processes: list[psutil.Process]) -> None:
    """kill -9, whoever is left."""
    for process in processes:
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue


def storage_of(stack: Stack) -> StorageAddress:
    """Where the stack's buckets are."""
    environment = stack.environment
    return StorageAddress(
        endpoint_url=environment["RECEIPTFLOW_S3_ENDPOINT_URL"],
        access_key=environment["RECEIPTFLOW_S3_ACCESS_KEY"],
        secret_key=SecretStr(environment["RECEIPTFLOW_S3_SECRET_KEY"]),
    )


def deploy_test_flow(client: SyncPrefectClient, version: str = "1") -> None:
    """Have the deployment run the flow with the reader that obeys the tests, in a release of it."""
    flow_id = client.create_flow_from_name("receipt-to-expense")
    client.create_deployment(
        flow_id=flow_id,
        name="receipt",
        entrypoint="recovery_flows.receipt_to_expense",
        work_pool_name=POOL,
        work_queue_name="fresh",
        job_variables={"env": {"RECEIPTFLOW_TEST_VERSION": version}},
    )


@contextmanager
def pointed_at(stack: Stack) -> Iterator[SyncPrefectClient]:
    """This process's Prefect client and child processes pointed at the stack."""
    env = stack.environment
    values = {PREFECT_API_URL: env["PREFECT_API_URL"], PREFECT_API_AUTH_STRING: env["PREFECT_API_AUTH_STRING"]}
    with pytest.MonkeyPatch.context() as patch, temporary_settings(values):
        for name, value in env.items():
            patch.setenv(name, value)
        with get_client(sync_client=True) as client:
            yield client


@contextmanager
def running(settings: StackSettings) -> Iterator[tuple[Stack, Pipeline, Path]]:
    """A stack with its worker, provisioned, until the end of the block; with it the steps' execution log."""
    log = settings.root / "executions.log"
    with Stack(settings) as stack:
        with pointed_at(stack) as client:
            asyncio.run(provision(storage_of(stack), SecretStr(stack.environment["RECEIPTFLOW_LEDGER_URL"])))
            asyncio.run(_read_with_tesseract())
            deploy_test_flow(client)
        service = worker_service(settings)
        path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
        env = {**service.env, "PYTHONPATH": path, EXECUTION_LOG: str(log)}
        stack.add(dataclasses.replace(service, env=env))
        yield stack, _pipeline(stack), log


async def _read_with_tesseract() -> None:
    from blocks import OcrEngine  # noqa: PLC0415

    block: Any = await OcrEngine.aload("reading")
    block.engine = "tesseract"
    await block.asave("reading", overwrite=True)


def _pipeline(stack: Stack) -> Pipeline:
    client = s3_client_of(stack)
    return Pipeline(
        inbox_name="inbox",
        s3=client,
        results=Results(client, "results"),
        ledger=open_ledger(stack.environment["RECEIPTFLOW_LEDGER_URL"]),
        open_reader=partial(Reader, engine="tesseract"),
        max_bytes=25_000_000,
        notification=None,
    )
