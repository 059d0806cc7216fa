"""What users and operators do meanwhile, as faults: they overwrite, delete and double receipts, delete the deployment,
lose Prefect's database, prune, back up, and have a second host that is cut off or whose clock is wrong.

Each is done as a patient client would, again until it is done, and noted for the verdict.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import psycopg

from benchmarks.chaos.material import OWNER, Item, Purchases
from benchmarks.chaos.rig import Rig
from benchmarks.chaos.second_host import NAME, SecondHost
from benchmarks.chaos.sources import Feeder
from deployments.warm_worker.process_identity import this_process

T = TypeVar("T")
_PAUSE_SECONDS = 0.5
_PATIENCE_SECONDS = 600.0
# Longer than the silence after which a host is given up (45 s), so that its runs go on elsewhere before it is back.
_CUT_SECONDS = 60.0
_CLOCK_SECONDS = 15.0
# Longer than the four minutes for which a run that ended while the server was away, or that was lost with its database,
# may keep the host's only process.
_ROUNDS, _AT_ONCE, _ROUND_SECONDS = 18, 3, 20.0
# S3 refuses a signature that is a quarter of an hour old.
CLOCK_OFFSET_SECONDS = 600
CARDS: tuple[tuple[str, str], ...] = (
    ("object", "delete"),
    ("object", "overwrite"),
    ("receipt", "delete"),
    ("receipt", "decide"),
    ("purchase", "twice"),
    ("deployment", "delete"),
    ("prefect-database", "lose"),
    (NAME, "cut off"),
    (NAME, "clock"),
    ("history", "prune"),
    ("everything", "back up"),
)
# These take a minute or more; a short run is dealt the others.
LONG = {("prefect-database", "lose"), (NAME, "cut off"), (NAME, "clock")}


@dataclass(frozen=True)
class Deleted:
    """A receipt that its owner deleted, and was told that it is gone."""

    receipt_id: str
    key: str
    sha256: str
    at: float = field(default_factory=time.monotonic)


@dataclass
class Operations:
    """Does them to one rig and keeps what the verdict has to know."""

    rig: Rig
    feeder: Feeder
    purchases: Purchases
    rng: random.Random
    notify_url: str
    deleted: list[Deleted] = field(default_factory=list)
    taken_away: set[str] = field(default_factory=set)
    twins: list[tuple[str, str]] = field(default_factory=list)
    decided: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.host = SecondHost(self.rig)
        self._backups = self.rig.log.parent / "backups"

    def do(self, part: str, manner: str) -> None:
        """Do one of `CARDS` and return when it is done; raises RuntimeError with what went wrong."""
        name = f"_{part}_{manner}".replace("-", "_").replace(" ", "_")
        getattr(self, name)()

    def _patiently(self, work: Callable[[], T], what: str) -> T:
        """Again while parts are down, as a client would; gives up late."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return work()
            except Exception as error:
                if time.monotonic() > end:
                    raise RuntimeError(f"{what} was not done in {_PATIENCE_SECONDS:.0f} s: {error!r}") from error
                time.sleep(_PAUSE_SECONDS)

    def _put(self, key: str, item: Item) -> None:
        self._patiently(lambda: self.rig.s3().put_object(Bucket="inbox", Key=key, Body=item.data), f"putting {key}")

    def _object_delete(self) -> None:
        """An object goes before, while or after it is read, all its versions, or as the bucket's users delete."""
        item = self.purchases.another("taken-away")
        key = f"{OWNER}/{item.name}"
        self.taken_away.add(key)
        self._put(key, item)
        time.sleep(self.rng.uniform(0.0, 4.0))
        if self.rng.random() < 0.5:
            self._patiently(lambda: self.rig.s3().delete_object(Bucket="inbox", Key=key), f"deleting {key}")
        else:
            self._patiently(lambda: self._delete_versions(key), f"deleting {key}")

    def _delete_versions(self, key: str) -> None:
        s3 = self.rig.s3()
        listed = s3.list_object_versions(Bucket="inbox", Prefix=key)
        for one in (*listed.get("Versions", ()), *listed.get("DeleteMarkers", ())):
            s3.delete_object(Bucket="inbox", Key=key, VersionId=one["VersionId"])

    def _object_overwrite(self) -> None:
        """Two receipts under one key: the bucket keeps both versions, and both are receipts."""
        first, second = self.purchases.another("overwritten"), self.purchases.another("overwriting")
        key = f"{OWNER}/{first.name}"
        for item in (first, second):
            self._put(key, item)
            self.feeder.accepted.add((key, item.etag))
            self.feeder.contents.add(item.sha256)
            time.sleep(self.rng.uniform(0.0, 2.0))

    def _receipt_delete(self) -> None:
        """Its owner deletes a receipt as soon as it is accepted, again until it is gone: 409 while it is read."""
        item = self.purchases.another("deleted")
        receipt_id = self._post(item)
        key = self._patiently(lambda: self._asked("GET", receipt_id, {200}).json()["key"], "asking for the key")
        time.sleep(self.rng.uniform(0.0, 3.0))
        self._patiently(lambda: self._asked("DELETE", receipt_id, {204, 404}), f"deleting receipt {receipt_id}")
        self.deleted.append(Deleted(receipt_id, key, item.sha256))

    def _receipt_decide(self) -> None:
        """A person books a receipt by a name of theirs, corrects that, and now and then dismisses it or takes it back.

        What they were answered is noted: the merchant that must be booked at the end, or None for no expense.
        """
        item = self.purchases.another("decided")
        receipt_id = self._post(item)
        self.feeder.posted.add(receipt_id)
        self.feeder.contents.add(item.sha256)
        names = [f"Decided {item.sha256[:8]} {number}" for number in range(self.rng.randint(1, 3))]
        for name in names:
            self._decide(receipt_id, {"decision": "book", "corrections": {"merchant": name, "total": "1.23"}})
            self.decided[receipt_id] = name
            time.sleep(self.rng.uniform(0.0, 1.0))
        if self.rng.random() < 0.5:
            self._decide(receipt_id, {"decision": "dismiss", "reason": "not_mine"})
            self.decided[receipt_id] = None
        if self.rng.random() < 0.5:
            self._decide(receipt_id, {"decision": "book", "corrections": {"merchant": names[0]}})
            self.decided[receipt_id] = names[0]

    def _decide(self, receipt_id: str, wanted: dict[str, Any]) -> None:
        """Again until it is answered: 409 while it is read for the first time. The same decision twice is one."""
        body = wanted | ({"keep_both": True} if wanted["decision"] == "book" else {})

        def post() -> None:
            answer = self._gateway("POST", f"/receipts/{receipt_id}/decision", json=body)
            if answer.status_code != 200:
                raise RuntimeError(f"deciding on {receipt_id}: {answer.status_code} {answer.text[:200]}")

        self._patiently(post, f"deciding on receipt {receipt_id}")

    def _post(self, item: Item) -> str:
        def post() -> str:
            answer = self._gateway(
                "POST",
                "/receipts",
                content=item.data,
                headers={"Content-Type": "application/octet-stream", "Idempotency-Key": item.name},
            )
            answer.raise_for_status()
            return str(answer.json()["receipt_id"])

        return self._patiently(post, f"posting {item.name}")

    def _asked(self, method: str, receipt_id: str, wanted: set[int]) -> httpx.Response:
        answer = self._gateway(method, f"/receipts/{receipt_id}")
        if answer.status_code not in wanted:
            raise RuntimeError(f"{method} of receipt {receipt_id}: {answer.status_code} {answer.text[:200]}")
        return answer

    def _gateway(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.feeder.gateway_key}"} | options.pop("headers", {})
        url = f"{self.rig.settings.gateway_url}{path}"
        return httpx.request(method, url, headers=headers, timeout=30, **options)

    def _purchase_twice(self) -> None:
        """Two photos of one purchase at the same moment, by two ways in."""
        first, second = self.purchases.twins()
        key = f"{OWNER}/{second.name}"
        with ThreadPoolExecutor(2) as pool:
            posted, put = pool.submit(self._post, first), pool.submit(self._put, key, second)
            self.feeder.posted.add(posted.result())
            put.result()
        self.feeder.accepted.add((key, second.etag))
        self.feeder.contents |= {first.sha256, second.sha256}
        self.twins.append((first.sha256, second.sha256))

    def _deployment_delete(self) -> None:
        self._patiently(lambda: asyncio.run(_delete_deployment()), "deleting the deployment")
        time.sleep(self.rng.uniform(1.0, 8.0))
        self._patiently(lambda: asyncio.run(_provision(self.rig)), "provisioning")

    def _prefect_database_lose(self) -> None:
        """Everything that Prefect knew is gone while gateway and worker live; an operator provisions again."""
        self._patiently(self._drop_database, "dropping Prefect's database")
        for process in self.rig.process_tree("server")[:1]:
            process.kill()
        self._patiently(self._require_server, "the server's start on a new database")
        self._patiently(lambda: asyncio.run(_provision(self.rig, self.notify_url)), "provisioning")

    def _drop_database(self) -> None:
        with self.rig.database("postgres") as connection:
            connection.execute("DROP DATABASE IF EXISTS prefect WITH (FORCE)")
            connection.execute("CREATE DATABASE prefect")

    def _require_server(self) -> None:
        if not self.rig.answers("server"):
            raise RuntimeError("Prefect's server does not answer")

    def _second_host_cut_off(self) -> None:
        """For longer than it takes to be given up; then it is back, with what it believes to be its runs."""
        self._patiently(self.host.start, "the second host's start")
        self._occupy_second_host()
        self.host.proxy.cut(_CUT_SECONDS + self.rng.uniform(0.0, 15.0))

    def _second_host_clock(self) -> None:
        """While it works: with a clock that is slow a host takes no run before that is due by its own time."""
        self._patiently(self.host.start, "the second host's start")
        self._occupy_second_host()
        self.host.set_clock(self.rng.choice((-1, 1)) * CLOCK_OFFSET_SECONDS)
        try:
            time.sleep(_CLOCK_SECONDS)
        finally:
            self.host.set_clock(0)

    def _occupy_second_host(self) -> None:
        """Hand in receipts until it works on one: a host without work proves nothing.

        The first host's worker sleeps meanwhile, less long than it takes to be given up: idle, it would take them all.
        """
        for _ in range(_ROUNDS):
            for _ in range(_AT_ONCE):
                item = self.purchases.another("elsewhere")
                key = f"{OWNER}/{item.name}"
                self._put(key, item)
                self.feeder.accepted.add((key, item.etag))
                self.feeder.contents.add(item.sha256)
            with self._worker_asleep():
                end = time.monotonic() + _ROUND_SECONDS
                while time.monotonic() < end:
                    if self._is_second_host_at_work():
                        return
                    time.sleep(0.05)
        raise RuntimeError(f"the second host took none of {_ROUNDS * _AT_ONCE} runs")

    @contextlib.contextmanager
    def _worker_asleep(self) -> Iterator[None]:
        worker = self.rig.worker()
        if worker is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.suspend()
        try:
            yield
        finally:
            if worker is not None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.resume()

    def _is_second_host_at_work(self) -> bool:
        query = "SELECT 1 FROM receipts WHERE state = 'running' AND process->>'host_id' <> %s"
        with contextlib.suppress(psycopg.Error), self.rig.database("ledger") as connection:
            return connection.execute(query, [this_process().host_id]).fetchone() is not None
        return False

    def _history_prune(self) -> None:
        """As `prune-history` would tomorrow: whatever has ended by now has outlived its day."""
        self._patiently(lambda: asyncio.run(_prune()), "pruning")

    def _everything_back_up(self) -> None:
        program = str(Path(sys.executable).with_name("receiptflow"))
        command = [program, "backup", str(self._backups), "--data", str(self.rig.settings.root), "--plain-secrets"]

        def take() -> None:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(done.stderr[-300:])

        self._patiently(take, "backing up")

    def finish(self) -> None:
        """Take the second host away; what it had is given up like any host's that is switched off."""
        self.host.stop()


async def _delete_deployment() -> None:
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - after the stack's environment is set
    from prefect.exceptions import ObjectNotFound  # noqa: PLC0415

    from flows.flow_runs.submission import DEPLOYMENT  # noqa: PLC0415

    async with get_client() as client:
        try:
            found = await client.read_deployment_by_name(DEPLOYMENT)
            await client.delete_deployment(found.id)
        except ObjectNotFound:
            return  # by the try before, whose answer was lost


async def _provision(rig: Rig, notify_url: str | None = None) -> None:
    """As `receiptflow provision`; in a new database the blocks of this run first, since the deployments start work."""
    from pydantic import SecretStr  # noqa: PLC0415

    from benchmarks.chaos.configure import configure  # noqa: PLC0415
    from deployments.provisioning.prefect_objects import StorageAddress, provision, save_blocks  # noqa: PLC0415

    environment = rig.environment
    storage = StorageAddress(
        endpoint_url=environment["RECEIPTFLOW_S3_ENDPOINT_URL"],
        access_key=environment["RECEIPTFLOW_S3_ACCESS_KEY"],
        secret_key=SecretStr(environment["RECEIPTFLOW_S3_SECRET_KEY"]),
    )
    database = SecretStr(environment["RECEIPTFLOW_LEDGER_URL"])
    if notify_url is not None:
        await save_blocks(storage, database, public_url="")
        await configure(notify_url)
    await provision(storage, database)


async def _prune() -> None:
    from prefect.client.orchestration import get_client  # noqa: PLC0415

    from blocks import RetentionPolicy  # noqa: PLC0415
    from flows.pipeline.configuration import load_pipeline  # noqa: PLC0415
    from flows.pruning import prune  # noqa: PLC0415

    # Uploads for ever: of those that are just being made the row is needed, which no retention of a day or more takes.
    tomorrow: dict[str, Any] = dict.fromkeys(RetentionPolicy.model_fields, -1) | {"uploads_days": 0, "legal_hold": []}
    async with get_client() as client:
        await prune(await load_pipeline(), client, RetentionPolicy.model_construct(**tomorrow), dry_run=False)
