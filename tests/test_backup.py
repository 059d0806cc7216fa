"""A backup holds what the ledger names, a second one copies what is new, and restored elsewhere everything agrees.

Real databases, real buckets with versions; backup and restore are killed in the middle as commands of their own.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from conftest import remove_bucket
from ledger_helpers import begun, expensed, received
from sqlalchemy import text

from deployments.backup.backup import Backup
from deployments.backup.destinations import Destination, open_destination
from deployments.backup.embedded import restore_elsewhere, restore_stack
from deployments.backup.errors import (
    BackupError,
    DamagedBackupError,
    MovingTargetError,
    NewerBackupError,
    NoBackupError,
    NotEmptyError,
    PostgresToolError,
    SealedBackupError,
)
from deployments.backup.manifest import Manifest, load_snapshot
from deployments.backup.sealing import Opener, Sealer, make_key
from deployments.backup.site import Site, site_of
from deployments.stack import Stack, StackError
from deployments.stack.datadir import RESTORE_MARK, require_restored
from deployments.stack.settings import StackSettings
from flows.ledger.access import Scope, create_key, find_key
from flows.ledger.database import Ledger, open_ledger
from flows.ledger.receipts import delete_receipt, walk_receipts
from flows.pipeline.configuration import Pipeline
from flows.reading.reader import Reader
from flows.reconciliation import Counts
from flows.reconciliation.objects import compare_objects
from flows.reconciliation.rows import compare_rows
from flows.storage import Inbox, ObjectVersion, Results

COMMAND = (str(Path(sys.executable).parent / "receiptflow"),)


@dataclasses.dataclass
class Place:
    """A ledger and buckets of a test's own, with the environment that leads commands to them."""

    env: dict[str, str]
    s3: Any
    ledger: Ledger

    @property
    def site(self) -> Site:
        return site_of(self.env, None)

    @property
    def pipeline(self) -> Pipeline:
        return Pipeline(
            inbox_name=self.site.inbox_bucket,
            s3=self.s3,
            results=Results(self.s3, self.site.results_bucket),
            ledger=self.ledger,
            open_reader=partial(Reader, engine="tesseract"),
            max_bytes=1000,
            notification=None,
        )

    def add(self, key: str, body: bytes, **options: Any) -> uuid.UUID:
        """An object with its receipt."""
        version = self.pipeline.inbox().put(key, body, "image/jpeg")
        named = {"bucket": version.bucket, "etag": version.etag, "version_id": version.version_id}
        return received(self.ledger, key, **(named | options))

    def discrepancies(self) -> list[Any]:
        """What reconciling objects and rows finds."""
        counts = Counts()
        return [*compare_objects(self.pipeline, counts), *compare_rows(self.ledger, counts)]

    def contents(self) -> dict[tuple[str, bytes], int]:
        """How many receipts have which bytes under which key, read by the version that they name."""
        found: dict[tuple[str, bytes], int] = {}
        for receipt in walk_receipts(self.ledger, bucket=self.site.inbox_bucket):
            extra = {"VersionId": receipt.version_id} if receipt.version_id else {}
            body = self.s3.get_object(Bucket=receipt.bucket, Key=receipt.key, **extra)["Body"].read()
            found[receipt.key, body] = found.get((receipt.key, body), 0) + 1
        return found

    def versions(self) -> int:
        """How many versions the inbox holds."""
        return len(self.s3.list_object_versions(Bucket=self.site.inbox_bucket).get("Versions", []))

    def column(self, statement: str) -> list[Any]:
        with self.ledger.session() as session:
            return list(session.execute(text(statement)).scalars())


@pytest.fixture
def places(postgres: Stack, s3_client: Any, copied_ledger: Callable[[], str]) -> Iterator[Callable[[], Place]]:
    """Makes empty places on the session's servers."""
    made: list[tuple[str, Ledger]] = []
    buckets: list[str] = []

    def make(*, versioned: bool = True) -> Place:
        url = copied_ledger()
        env = postgres.environment | {"RECEIPTFLOW_LEDGER_URL": url}
        for kind in ("inbox", "results"):
            env[f"RECEIPTFLOW_{kind.upper()}_BUCKET"] = bucket = f"{kind}-{uuid.uuid4().hex[:8]}"
            s3_client.create_bucket(Bucket=bucket)
            buckets.append(bucket)
        if versioned:
            inbox = env["RECEIPTFLOW_INBOX_BUCKET"]
            s3_client.put_bucket_versioning(Bucket=inbox, VersioningConfiguration={"Status": "Enabled"})
        ledger = open_ledger(url)
        made.append((url.rpartition("/")[2].partition("?")[0], ledger))
        return Place(env, s3_client, ledger)

    yield make
    for bucket in buckets:
        remove_bucket(s3_client, bucket)
    for _, ledger in made:
        ledger.close()
    with psycopg.connect(host=str(postgres.settings.socket_dir), user="postgres", autocommit=True) as connection:
        for name, _ in made:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture
def filled(places: Callable[..., Place]) -> Place:
    """Receipts in each kind of state: expensed, waiting, in flight, overwritten, not yet received; and a key."""
    place = places()
    place.add("anna/1.jpg", b"first")
    place.add("anna/1.jpg", b"second")
    place.add("anna/1.jpg", b"first")
    place.add("bert/without-version.jpg", b"third", version_id="")
    begun(place.ledger, place.add("bert/running.jpg", b"fourth"))
    version = place.pipeline.inbox().put("anna/expensed.jpg", b"fifth")
    attempt = expensed(place.ledger, "anna/expensed.jpg")
    with place.ledger.session() as session:
        named = {
            "bucket": version.bucket,
            "etag": version.etag,
            "version": version.version_id,
            "id": attempt.receipt_id,
        }
        statement = "UPDATE receipts SET bucket = :bucket, etag = :etag, version_id = :version WHERE id = :id"
        session.execute(text(statement), named)
    place.pipeline.inbox().put("anna/new.jpg", b"sixth")
    place.pipeline.results.put("ab/step/1.json", b"{}")
    return place


def take(place: Place, folder: Path | str, sealer: Sealer | None = None, keep: int | None = None) -> Manifest:
    destination = open_destination(str(folder), create=True)
    return Backup(place.site, destination, sealer or Sealer(), with_secrets=False, with_results=True).take(keep)


def give_back(folder: Path | str, place: Place, opener: Opener | None = None, **options: Any) -> Any:
    place.ledger.close()
    snapshot = load_snapshot(open_destination(str(folder)), options.pop("snapshot", None))
    return restore_elsewhere(snapshot, place.env, opener or Opener(), **options)


def test_restored_elsewhere_every_receipt_has_its_bytes_and_everything_agrees(
    filled: Place, places: Callable[..., Place], tmp_path: Path
) -> None:
    with filled.ledger.session() as session:
        key, secret = create_key("anna", "phone", list(Scope), session=session)
    manifest = take(filled, tmp_path)
    there = places()
    done = give_back(tmp_path, there)
    assert there.contents() == filled.contents()
    assert there.contents()["anna/1.jpg", b"first"] == 2
    assert (manifest.counts.objects, done.objects, done.put) == (8, 8, 8)
    assert there.s3.get_object(Bucket=there.site.inbox_bucket, Key="anna/1.jpg")["Body"].read() == b"first"
    assert there.s3.get_object(Bucket=there.site.inbox_bucket, Key="anna/1.jpg")["ContentType"] == "image/jpeg"
    assert there.pipeline.results.get("ab/step/1.json") == b"{}"
    # What no receipt knew at the source is all that is unknown here.
    assert [one.subject for one in there.discrepancies()] == ["anna/new.jpg"]
    assert len(there.column("SELECT id FROM expenses")) == 1
    with there.ledger.session() as session:
        found = find_key(secret, session=session)
        assert found is not None
        assert found.id == key.id


def test_what_was_in_flight_waits_for_a_flow_run_of_its_own(
    filled: Place, places: Callable[..., Place], tmp_path: Path
) -> None:
    before = filled.column("SELECT flow_run_id FROM receipts WHERE key = 'bert/running.jpg'")
    assert before[0] is not None
    take(filled, tmp_path)
    there = places()
    assert give_back(tmp_path, there).in_flight == 1
    rows = there.column("SELECT state = 'waiting' AND flow_run_id IS NULL FROM receipts WHERE key = 'bert/running.jpg'")
    assert rows == [True]
    assert there.column("SELECT reopened FROM receipts WHERE key = 'bert/running.jpg'") == [1]


def test_a_second_backup_copies_what_is_new_only(filled: Place, tmp_path: Path) -> None:
    first = take(filled, tmp_path)
    assert first.counts.copied == 7  # "first" lies twice under one key
    assert take(filled, tmp_path).counts.copied == 0
    filled.add("carl/1.jpg", b"new")
    third = take(filled, tmp_path)
    assert (third.counts.copied, third.counts.objects) == (1, 9)


def test_to_an_s3_bucket_and_back(
    filled: Place, places: Callable[..., Place], monkeypatch: pytest.MonkeyPatch, s3_client: Any
) -> None:
    names = {"ENDPOINT_URL": "S3_ENDPOINT_URL", "ACCESS_KEY_ID": "S3_ACCESS_KEY", "SECRET_ACCESS_KEY": "S3_SECRET_KEY"}
    for aws, ours in names.items():
        monkeypatch.setenv(f"AWS_{aws}", filled.env[f"RECEIPTFLOW_{ours}"])
    s3_client.create_bucket(Bucket="backups")
    take(filled, "s3://backups/a/b")
    assert take(filled, "s3://backups/a/b").counts.copied == 0
    there = places()
    give_back("s3://backups/a/b", there)
    assert there.contents() == filled.contents()
    assert take(filled, "s3://backups/a/b", keep=1).counts.copied == 0
    assert len({one.split("/")[1] for one in open_destination("s3://backups/a/b").names("snapshots/")}) == 1
    with pytest.raises(NoBackupError, match="None was finished"):
        load_snapshot(open_destination("s3://backups/elsewhere"))
    remove_bucket(s3_client, "backups")


def test_encrypted_nothing_is_readable_and_only_its_key_opens_it(
    filled: Place, places: Callable[..., Place], tmp_path: Path
) -> None:
    public, backups = make_key(tmp_path / "key"), tmp_path / "backups"
    take(filled, backups, Sealer([public]))
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    whole = b"".join(path.read_bytes() for path in backups.rglob("*") if path.is_file())
    for plain in (b"first", b"fifth", b"anna", b"PGDMP"):
        assert plain not in whole
    make_key(tmp_path / "other")
    there = places()
    for opener, said in ((Opener(), "--identity"), (Opener(tmp_path / "other"), "another key")):
        with pytest.raises(SealedBackupError, match=said):
            give_back(backups, there, opener)
    give_back(backups, there, Opener(tmp_path / "key"))
    assert there.contents() == filled.contents()
    with pytest.raises(BackupError, match="not made"):
        make_key(tmp_path / "key")
    with pytest.raises(BackupError, match="no public key"):
        Sealer(["age1nonsense"])


def test_what_lies_there_in_clear_is_not_taken_for_encrypted(filled: Place, tmp_path: Path) -> None:
    take(filled, tmp_path / "backups")
    sealed = take(filled, tmp_path / "backups", Sealer([make_key(tmp_path / "key")]))
    assert sealed.counts.copied == 7


def test_a_snapshot_without_manifest_is_no_backup(filled: Place, tmp_path: Path) -> None:
    with pytest.raises(NoBackupError, match="None was finished"):
        load_snapshot(open_destination(str(tmp_path)))
    take(filled, tmp_path)
    take(filled, tmp_path)
    older, newer = sorted(tmp_path.glob("snapshots/*"))
    (newer / "manifest.json").unlink()
    assert load_snapshot(open_destination(str(tmp_path))).name == older.name
    with pytest.raises(NoBackupError, match=f"cut off.*{older.name}"):
        load_snapshot(open_destination(str(tmp_path)), newer.name)


@pytest.mark.parametrize("pattern", ["objects/*/*", "snapshots/*/ledger.dump", "snapshots/*/objects.jsonl.gz"])
@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_a_damaged_file_is_named_and_the_ledger_in_place_stays(
    filled: Place, places: Callable[..., Place], tmp_path: Path, pattern: str, harm: str
) -> None:
    take(filled, tmp_path)
    file = next(path for path in sorted(tmp_path.glob(pattern)))
    if harm == "missing":
        file.unlink()
    else:
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
    there = places()
    with pytest.raises(DamagedBackupError, match=file.name):
        give_back(tmp_path, there)
    assert there.column("SELECT id FROM receipts") == []


def test_a_place_that_is_not_empty_is_refused_unless_told(filled: Place, tmp_path: Path) -> None:
    take(filled, tmp_path)
    before = filled.contents()
    filled.add("later/1.jpg", b"later")
    with pytest.raises(NotEmptyError, match="--replace"):
        give_back(tmp_path, filled)
    done = give_back(tmp_path, filled, replace=True)
    assert done.put == 0
    assert filled.contents() == before
    assert sorted(one.subject for one in filled.discrepancies()) == ["anna/new.jpg", "later/1.jpg"]


def test_a_ledger_in_use_is_not_replaced(filled: Place, tmp_path: Path) -> None:
    take(filled, tmp_path)
    with filled.ledger.session() as session:
        session.execute(text("SELECT 1"))
        snapshot = load_snapshot(open_destination(str(tmp_path)))
        with pytest.raises(NotEmptyError, match="stop gateway"):
            restore_elsewhere(snapshot, filled.env, Opener(), replace=True)


def test_a_newer_backup_is_refused_with_the_reason(filled: Place, places: Callable[..., Place], tmp_path: Path) -> None:
    take(filled, tmp_path)
    (file,) = tmp_path.glob("snapshots/*/manifest.json")
    known = json.loads(file.read_text())
    file.write_text(json.dumps(known | {"ledger_revision": "9999", "release": "9.9"}))
    with pytest.raises(NewerBackupError, match=r"schema 9999 of receiptflow 9\.9"):
        give_back(tmp_path, places())
    file.write_text(json.dumps(known | {"format": 99}))
    with pytest.raises(NewerBackupError, match="format 99"):
        give_back(tmp_path, places())
    file.write_text("{}")
    with pytest.raises(DamagedBackupError, match="no manifest"):
        give_back(tmp_path, places())


class Deleting:
    """A destination that deletes a receipt with its object as soon as the ledger is dumped, some times."""

    def __init__(self, place: Place, inner: Destination, victims: list[uuid.UUID]) -> None:
        self._place, self._inner, self._victims = place, inner, victims

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def keep(self, draft: Any, name: str) -> None:
        self._inner.keep(draft, name)
        if name.endswith("ledger.dump") and self._victims:
            with self._place.ledger.session() as session:
                deletion = delete_receipt(self._victims.pop(), "test", session=session)
                for gone in deletion.objects:
                    found = {"Bucket": gone.bucket, "Key": gone.key, "VersionId": gone.version_id}
                    self._place.s3.delete_object(**found)


def test_what_is_deleted_before_it_was_copied_is_in_neither_ledger_nor_objects(
    places: Callable[..., Place], tmp_path: Path
) -> None:
    place, there = places(), places()
    ids = [place.add(f"anna/{number}.jpg", b"%d" % number) for number in range(8)]
    destination: Any = Deleting(place, open_destination(str(tmp_path)), ids[:1])
    manifest = Backup(place.site, destination, Sealer(), with_secrets=False, with_results=True).take()
    assert (manifest.counts.passes, manifest.counts.objects, manifest.counts.missing) == (2, 7, 0)
    give_back(tmp_path, there)
    assert there.discrepancies() == []
    assert there.contents() == place.contents()


def test_deletions_without_end_are_said(places: Callable[..., Place], tmp_path: Path) -> None:
    place = places()
    victims = [place.add("anna/first.jpg", b"first")]

    class Busy(Backup):
        def _still_exist(self, receipt_ids: Sequence[str]) -> bool:
            victims.append(place.add(f"anna/{uuid.uuid4()}.jpg", os.urandom(9)))  # not there yet when it was listed
            return super()._still_exist(receipt_ids)

    destination: Any = Deleting(place, open_destination(str(tmp_path)), victims)
    with pytest.raises(MovingTargetError, match="each of 5 passes"):
        Busy(place.site, destination, Sealer(), with_secrets=False, with_results=True).take()
    assert list(tmp_path.glob("snapshots/*/manifest.json")) == []


def test_an_original_that_was_gone_before_is_counted(places: Callable[..., Place], tmp_path: Path) -> None:
    place = places()
    place.add("anna/1.jpg", b"1")
    place.s3.delete_object(
        Bucket=place.site.inbox_bucket, Key="anna/1.jpg", VersionId=place.column("SELECT version_id FROM receipts")[0]
    )
    assert take(place, tmp_path).counts.missing == 1


def test_to_a_bucket_without_versions_the_present_objects_go(
    filled: Place, places: Callable[..., Place], tmp_path: Path
) -> None:
    take(filled, tmp_path)
    there = places(versioned=False)
    done = give_back(tmp_path, there)
    assert done.left_out == 2
    assert there.s3.get_object(Bucket=there.site.inbox_bucket, Key="anna/1.jpg")["Body"].read() == b"first"


def test_only_the_newest_snapshots_are_kept_with_what_they_need(
    filled: Place, places: Callable[..., Place], tmp_path: Path
) -> None:
    backups = tmp_path / "backups"
    sealer = Sealer([make_key(tmp_path / "key")])
    first = filled.add("anna/deleted.jpg", b"deleted")
    take(filled, backups, sealer)
    with filled.ledger.session() as session:
        for gone in delete_receipt(first, "test", session=session).objects:
            filled.s3.delete_object(Bucket=gone.bucket, Key=gone.key, VersionId=gone.version_id)
    unfinished = backups / "snapshots/20200101T000000.000Z/ledger.dump"
    unfinished.parent.mkdir()
    unfinished.touch()
    take(filled, backups, sealer)
    assert len(list(backups.glob("objects/*/*"))) == 8
    take(filled, backups, sealer, keep=2)
    assert len(list(backups.glob("objects/*/*"))) == 7
    assert len(list(backups.glob("snapshots/*/manifest.json"))) == len(list(backups.glob("snapshots/*"))) == 2
    there = places()
    give_back(backups, there, Opener(tmp_path / "key"))
    assert there.contents() == filled.contents()


def test_two_backups_at_once_into_one_folder_are_refused(filled: Place, tmp_path: Path) -> None:
    with open_destination(str(tmp_path)).in_use(), pytest.raises(BackupError, match="Another backup"):
        take(filled, tmp_path)


def test_pg_dump_older_than_the_server_is_said(filled: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    old.chmod(0o755)
    monkeypatch.setattr("deployments.backup.postgres_tools.binary", lambda name: old)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PostgresToolError, match="must not be older"):
        take(filled, tmp_path / "backups")


def test_places_that_are_none_are_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in ("ftp://host/x", "s3:///x", str(tmp_path / "file/x")):
        with pytest.raises(BackupError):
            open_destination(place, create=True)
    with pytest.raises(NoBackupError):
        open_destination(str(tmp_path / "nowhere"))


def test_a_folder_with_half_a_restore_does_not_start(tmp_path: Path) -> None:
    (tmp_path / RESTORE_MARK).write_text("20261128T101500.000Z")
    with pytest.raises(StackError, match=r"20261128T101500\.000Z.*receiptflow restore"):
        require_restored(tmp_path)


def test_a_folder_with_a_stack_is_not_restored_into(filled: Place, tmp_path: Path) -> None:
    take(filled, tmp_path / "backups")
    data = tmp_path / "data"
    data.mkdir()
    (data / "secrets.json").write_text("{}")
    snapshot = load_snapshot(open_destination(str(tmp_path / "backups")))
    with pytest.raises(NotEmptyError, match="has a stack already"):
        restore_stack(snapshot, StackSettings(data_dir=data), Opener())
    assert list(data.iterdir()) == [data / "secrets.json"]


def killed_when(condition: Callable[[], bool], place: Place, *arguments: str) -> bool:
    """Run the command line and kill -9 it at this moment; whether it still ran then."""
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--data", "/nowhere"],
        env={**os.environ, **place.env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    while process.poll() is None and not condition():
        time.sleep(0.002)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    output, _ = process.communicate()
    assert process.returncode in {0, -signal.SIGKILL}, output
    return process.returncode != 0


def command(place: Place, *arguments: str) -> Any:
    done = subprocess.run(
        [*COMMAND, *arguments, "--json", "--data", "/nowhere"],
        env={**os.environ, **place.env},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_a_killed_restore_had_sent_and_comes_after_the_listing_is_no_second_version(
    filled: Place, places: Callable[..., Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, listed, late = places(), Inbox.versions, set[str]()
    command(filled, "backup", str(tmp_path))

    def versions(inbox: Inbox, key: str) -> list[ObjectVersion]:
        before = listed(inbox, key)
        if not before and inbox.bucket == there.site.inbox_bucket:
            late.add(key)
            first = listed(filled.pipeline.inbox(), key)[-1]
            inbox.put(key, filled.pipeline.inbox().read(first, max_bytes=1_000_000), "image/jpeg")
        return before

    monkeypatch.setattr(Inbox, "versions", versions)
    restore_elsewhere(load_snapshot(open_destination(str(tmp_path))), there.env, Opener(None), replace=True)
    assert late
    assert there.versions() == filled.versions()


def test_an_s3_that_knows_no_conditions_is_restored_to(
    filled: Place, places: Callable[..., Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, call = places(), BaseClient._make_api_call
    command(filled, "backup", str(tmp_path))

    def without_conditions(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        if "IfNoneMatch" in parameters:
            parameters["Body"].read(3)
            raise ClientError({"Error": {"Code": "NotImplemented", "Message": "A header you provided"}}, operation)
        return call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", without_conditions)
    restore_elsewhere(load_snapshot(open_destination(str(tmp_path))), there.env, Opener(None), replace=True)
    assert there.versions() == filled.versions()
    assert there.contents() == filled.contents()


def test_killed_at_any_moment_backup_and_restore_end_when_repeated(
    filled: Place, places: Callable[..., Place], tmp_path: Path
) -> None:
    for number in range(120):
        filled.add(f"many/{number}.jpg", os.urandom(30_000))
    backups, there = tmp_path / "backups", places()
    there.ledger.close()

    def copied() -> int:
        return sum(1 for _ in backups.glob("objects/*/*"))

    kills = 0
    for least in (0, 1, 40, 90):
        kills += killed_when(lambda least=least: copied() > least, filled, "backup", str(backups))  # type: ignore[misc]
        assert list(backups.glob("snapshots/*/manifest.json")) == [] or kills < 4
    kept = copied()
    assert kept > 40
    whole = command(filled, "backup", str(backups))
    assert whole["counts"]["copied"] + kept == copied() == 127
    assert list(backups.glob(".partial-*")) == []

    for least in (0, 1, 40, 90, 121):
        kills += killed_when(
            lambda least=least: there.versions() > least,  # type: ignore[misc]
            there,
            *("restore", str(backups), "--elsewhere"),
        )
    assert kills >= 7
    if not there.column("SELECT id FROM receipts"):
        there.ledger.close()
        command(there, "restore", str(backups), "--elsewhere")
    assert there.contents() == filled.contents()
    assert there.versions() == filled.versions()
    assert [one.subject for one in there.discrepancies()] == ["anna/new.jpg"]
