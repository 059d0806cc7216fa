"""Take a backup of a running pipeline.

Order: the ledger as it is at one moment (pg_dump, and by the same snapshot its receipts' objects), then the objects,
then the manifest. So every original that the ledger names is there; objects that came later are there too, and the
sweep receives them after a restore. What was deleted between the two is no longer in the ledger of the next pass.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import tempfile
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import IO, Any

import psycopg

from deployments.backup.catalogue import OBJECTS as BLOBS_FOLDER
from deployments.backup.catalogue import Catalogue, Entry, blob_name, identity_of, open_catalogue
from deployments.backup.destinations import Destination, HashingWriter
from deployments.backup.errors import BackupError, MovingTargetError
from deployments.backup.lines import write_lines
from deployments.backup.manifest import (
    BLOBS,
    FORMAT,
    LEDGER,
    MANIFEST,
    OBJECTS,
    SECRETS,
    SETTINGS,
    SNAPSHOTS,
    Counts,
    Manifest,
    StoredFile,
)
from deployments.backup.postgres_tools import connect, dumping, frozen
from deployments.backup.retention import remove_older
from deployments.backup.sealing import Sealer
from deployments.backup.site import Site, dumping_settings
from deployments.stack.credentials import FILE_NAME as CREDENTIALS
from deployments.stack.gateway_service import KEY_FILE
from deployments.version import installed_version
from flows.storage import ObjectGoneError, ObjectReplacedError, s3_errors

_COPIES_AT_ONCE = 4
_PASSES = 5
_RECEIVED = "SELECT bucket, key, etag, version_id, id::text FROM receipts ORDER BY received_at, id"


class Backup:
    """One backup on its way. `with_secrets` includes credentials and Prefect's settings, which they encrypt."""

    def __init__(
        self, site: Site, destination: Destination, sealer: Sealer, *, with_secrets: bool, with_results: bool
    ) -> None:
        self._site, self._destination, self._sealer = site, destination, sealer
        self._with_secrets, self._with_results = with_secrets, with_results
        self._created_at = dt.datetime.now(dt.UTC)
        self.name = f"{self._created_at:%Y%m%dT%H%M%S}.{self._created_at.microsecond // 1000:03d}Z"
        self._files: dict[str, StoredFile] = {}
        self._counts = Counts()
        self._revision = ""

    def take(self, keep: int | None = None) -> Manifest:
        """Copy everything; the backup exists when this returns, and not before.

        Args:
            keep: Remove all snapshots but so many, the newest, and what only they hold; None keeps all.

        Raises:
            BackupError: says why it cannot be taken; what was copied as yet is used by the next one.
        """
        with self._destination.in_use(), open_catalogue() as catalogue:
            catalogue.add_stored(self._destination.names(f"{BLOBS_FOLDER}/"))
            while not self._pass(catalogue):
                if self._counts.passes == _PASSES:
                    raise MovingTargetError(
                        f"Receipts were deleted during each of {_PASSES} passes: repeat it, the copied originals stay."
                    )
            self._store_lists(catalogue)
            if self._with_secrets:
                self._store_settings()
            self._counts.objects = catalogue.count()
            manifest = self._manifest()
            self._store_plain(MANIFEST, io.BytesIO(manifest.model_dump_json(indent=1).encode()))
            if keep is not None:
                remove_older(self._destination, keep)
        return manifest

    def _pass(self, catalogue: Catalogue) -> bool:
        """The ledger, then its objects; whether each receipt of this ledger still exists or has its object."""
        self._counts.passes += 1
        catalogue.forget_entries()
        with frozen(self._site.ledger_url) as (connection, snapshot):
            self._revision = _revision_of(connection)
            with dumping(self._site.ledger_url, f"--snapshot={snapshot}") as dump:
                self._store(LEDGER, dump)
            with connection.cursor(name="received") as cursor:
                catalogue.add_received(cursor.execute(_RECEIVED))
        self._list_buckets(catalogue)
        self._copy_objects(catalogue)
        missing = list(catalogue.missing())
        self._counts.missing = len(missing)
        return self._still_exist(missing)

    def _list_buckets(self, catalogue: Catalogue) -> None:
        names = [self._site.inbox_bucket, *([self._site.results_bucket] if self._with_results else [])]
        for name in names:
            bucket = self._site.bucket(name)
            for page in bucket.present_pages():
                catalogue.add_present(page)
            if bucket.is_versioned():
                for page in bucket.overwritten_pages():
                    catalogue.add_older(page)

    def _copy_objects(self, catalogue: Catalogue) -> None:
        """A few at once, each content once; what the destination has is not read."""
        waiting: deque[tuple[Entry, Future[tuple[str, int] | None]]] = deque()
        with ThreadPoolExecutor(_COPIES_AT_ONCE) as pool:
            for entry in catalogue.entries():
                while len(waiting) > 2 * _COPIES_AT_ONCE or self._is_among(entry, waiting):
                    self._note(catalogue, *waiting.popleft())
                if stored := catalogue.stored(self._identity(entry)):
                    catalogue.set_blob(entry, stored)
                else:
                    waiting.append((entry, pool.submit(self._copy, entry)))
            while waiting:
                self._note(catalogue, *waiting.popleft())

    def _is_among(self, entry: Entry, copying: Iterable[tuple[Entry, object]]) -> bool:
        identity = self._identity(entry)
        return any(self._identity(one) == identity for one, _ in copying)

    def _identity(self, entry: Entry) -> str:
        return identity_of(entry.version, self._sealer.recipients)

    def _note(self, catalogue: Catalogue, entry: Entry, copied: Future[tuple[str, int] | None]) -> None:
        if (done := copied.result()) is None:
            return
        name, size_bytes = done
        catalogue.set_blob(entry, name)
        self._counts.copied += 1
        self._counts.copied_bytes += size_bytes

    def _copy(self, entry: Entry) -> tuple[str, int] | None:
        """Where it is stored now, and its size there; None if it is gone."""
        one = entry.version
        exact = {"VersionId": one.version_id} if one.version_id else {"IfMatch": f'"{one.etag}"'}
        try:
            with s3_errors(one.bucket, one.key):
                answer = self._site.s3.get_object(Bucket=one.bucket, Key=one.key, **exact)
                with closing(answer["Body"]) as body:
                    draft, stored = self._draft(body, self._sealer)
        except (ObjectGoneError, ObjectReplacedError):
            return None
        name = blob_name(self._identity(entry), stored.sha256, answer.get("ContentType", ""))
        self._destination.keep(draft, name)
        return name, stored.size_bytes

    def _still_exist(self, receipt_ids: Sequence[str]) -> bool:
        """Whether none of these was deleted: an original that is gone without that, reconcile reports."""
        query = "SELECT count(*) FROM receipts WHERE id = ANY(%s::uuid[])"
        with connect(self._site.ledger_url) as connection:
            row = connection.execute(query, [list(receipt_ids)]).fetchone()
        return row is not None and int(row[0]) == len(receipt_ids)

    def _store_lists(self, catalogue: Catalogue) -> None:
        with tempfile.TemporaryFile() as file:
            write_lines(file, (json.dumps(line) for line in catalogue.lines()))
            self._store(OBJECTS, file)
        with tempfile.TemporaryFile() as file:
            write_lines(file, (str(line["blob"]) for line in catalogue.lines()))
            self._store_plain(BLOBS, file)

    def _store_settings(self) -> None:
        root, prefect_url = self._site.root, self._site.prefect_url
        if root is None or prefect_url is None:
            return
        secrets = {name: (root / name).read_text() for name in (CREDENTIALS, KEY_FILE) if (root / name).exists()}
        with tempfile.TemporaryFile() as file:
            file.write(json.dumps(secrets).encode())
            file.seek(0)
            self._store(SECRETS, file)
        with dumping_settings(prefect_url) as dump:
            self._store(SETTINGS, dump)

    def _store(self, name: str, source: Any) -> None:
        self._store_by(self._sealer, name, source)

    def _store_plain(self, name: str, source: Any) -> None:
        self._store_by(Sealer(), name, source)

    def _store_by(self, sealer: Sealer, name: str, source: Any) -> None:
        draft, self._files[name] = self._draft(source, sealer)
        self._destination.keep(draft, f"{SNAPSHOTS}/{self.name}/{name}")

    def _draft(self, source: Any, sealer: Sealer) -> tuple[IO[bytes], StoredFile]:
        draft = self._destination.draft()
        writer: Any = HashingWriter(draft)
        sealer.seal(source, writer)
        return draft, StoredFile(sha256=writer.sha256, size_bytes=writer.size_bytes)

    def _manifest(self) -> Manifest:
        return Manifest(
            format=FORMAT,
            created_at=self._created_at,
            release=installed_version(),
            ledger_revision=self._revision,
            inbox_bucket=self._site.inbox_bucket,
            results_bucket=self._site.results_bucket,
            with_results=self._with_results,
            recipients=self._sealer.recipients,
            files=self._files,
            counts=self._counts,
        )


def _revision_of(connection: psycopg.Connection[Any]) -> str:
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable as error:
        raise BackupError("The ledger has no tables: start the stack once before it is backed up.") from error
    return str(row[0]) if row else ""
