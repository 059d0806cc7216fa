"""Every source that a receipt can come in by, each used as a patient client would: again until it is acknowledged.

`cli` is what `receiptflow add` does; `s3` puts an object and leaves the rest to the sweep; `deployment` puts an object
and starts its flow run through Prefect's API; `gateway` posts to the upload API, where the stack runs one.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.chaos.material import OWNER, Item
from benchmarks.chaos.rig import Rig

if TYPE_CHECKING:
    from flows.pipeline.configuration import Pipeline

_PAUSE_SECONDS = 0.5
_PATIENCE_SECONDS = 600.0
_SWEEP_SECONDS = 30.0
SOURCES = ("cli", "s3", "deployment", "gateway")


@dataclass
class Feeder:
    """Hands items in from a thread of its own and keeps what was acknowledged.

    `accepted` holds (key, etag) of each object, `posted` the receipt ids that the gateway answered.
    """

    rig: Rig
    rng: random.Random
    items: list[Item]
    gateway_key: str | None
    accepted: set[tuple[str, str]] = field(default_factory=set)
    posted: set[str] = field(default_factory=set)
    contents: set[str] = field(default_factory=set)
    used: Counter[str] = field(default_factory=Counter)
    repeats: int = 0

    def __post_init__(self) -> None:
        self._wanted = 0
        self._more = threading.Condition()
        self._done = 0
        self._failure: BaseException | None = None
        self._swept = threading.Event()
        self._folder = self.rig.log.parent / "files"
        self._folder.mkdir()
        threading.Thread(target=self._run, daemon=True).start()
        threading.Thread(target=self._sweep, daemon=True).start()

    def release(self, count: int) -> None:
        """Let the first `count` items be handed in, in all."""
        with self._more:
            self._wanted = max(self._wanted, min(count, len(self.items)))
            self._more.notify_all()

    def finish(self) -> None:
        """Hand in everything that is left and return when all of it is acknowledged."""
        self.release(len(self.items))
        with self._more:
            self._more.wait_for(lambda: self._done == len(self.items) or self._failure is not None)
        if self._failure is not None:
            raise self._failure

    def stop_sweeping(self) -> None:
        """Start no more sweeps: all that was handed in is known."""
        self._swept.set()

    def _run(self) -> None:
        try:
            sources = SOURCES if self.gateway_key else SOURCES[:-1]
            for number, item in enumerate(self.items):
                with self._more:
                    self._more.wait_for(lambda number=number: self._wanted > number)  # type: ignore[misc]
                self._persist(item, self.rng.choice(sources))
                with self._more:
                    self._done += 1
                    self._more.notify_all()
        except BaseException as failure:
            with self._more:
                self._failure = failure
                self._more.notify_all()

    def _persist(self, item: Item, source: str) -> None:
        hand_in: Callable[[Item], None] = getattr(self, f"_by_{source}")
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                hand_in(item)
            except Exception:
                # Whatever a source answers while its parts are down: a client tries again, and only gives up late.
                if time.monotonic() > end:
                    raise
                self.repeats += 1
                time.sleep(_PAUSE_SECONDS)
            else:
                self.used[source] += 1
                self.contents.add(item.sha256)
                return

    def _by_cli(self, item: Item) -> None:
        from deployments.ingest.local_files import add_files  # noqa: PLC0415 - after the stack's environment is set

        path = self._folder / item.name
        path.write_bytes(item.data)
        asyncio.run(_with_pipeline(lambda pipeline: add_files(pipeline, [path], OWNER)))
        self.accepted.add((f"{OWNER}/{item.name}", item.etag))

    def _by_s3(self, item: Item) -> None:
        key = f"{OWNER}/{item.name}"
        self.rig.s3().put_object(Bucket="inbox", Key=key, Body=item.data)
        self.accepted.add((key, item.etag))

    def _by_deployment(self, item: Item) -> None:
        self._by_s3(item)
        asyncio.run(_start_run("receipt-to-expense/receipt", {"key": f"{OWNER}/{item.name}"}))

    def _by_gateway(self, item: Item) -> None:
        answer = httpx.post(
            f"{self.rig.settings.gateway_url}/receipts",
            content=item.data,
            headers={"Authorization": f"Bearer {self.gateway_key}", "Content-Type": "application/octet-stream"},
            timeout=20,
        )
        answer.raise_for_status()
        self.posted.add(answer.json()["receipt_id"])

    def _sweep(self) -> None:
        """Start the sweep's deployment more often than its schedule does, as a person in the UI can."""
        while not self._swept.wait(_SWEEP_SECONDS):
            try:
                asyncio.run(_start_run("sweep-inbox/inbox", {}))
            except Exception:  # noqa: S112 - the server is away; the next tick tries again
                continue


async def _with_pipeline(work: Callable[[Pipeline], Any]) -> None:
    from flows.pipeline.configuration import load_pipeline  # noqa: PLC0415

    await work(await load_pipeline())


async def _start_run(deployment: str, parameters: dict[str, Any]) -> None:
    from prefect.client.orchestration import get_client  # noqa: PLC0415

    async with get_client() as client:
        found = await client.read_deployment_by_name(deployment)
        await client.create_flow_run_from_deployment(found.id, parameters=parameters)


def make_gateway_key(url: str) -> str:
    """An API key for the harness's owner."""
    from flows.ledger.access import Scope, create_key  # noqa: PLC0415
    from flows.ledger.database import open_ledger  # noqa: PLC0415

    ledger = open_ledger(url)
    with ledger.session() as session:
        _, secret = create_key(OWNER, "chaos", list(Scope), session=session)
    ledger.close()
    return secret
