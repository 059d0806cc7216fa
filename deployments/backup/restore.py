"""Restore a backup: check it, put the objects back, fit the ledger to their new versions, put it in place last.

Everything can be repeated: what is in the buckets already is not put again, and the ledger takes its place in one
transaction at the end. Receipts that were in flight wait again, each for a flow run of its own; the sweep submits them.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import IO, Any

from deployments.backup.errors import NewerBackupError, NotEmptyError
from deployments.backup.lines import read_lines
from deployments.backup.manifest import LEDGER, OBJECTS, SETTINGS, Manifest, Snapshot
from deployments.backup.objects import Moved, ObjectRestorer
from deployments.backup.postgres_tools import connect, create_empty, exchange, load, with_database
from deployments.backup.sealing import Opener
from deployments.backup.site import Site, dumping_settings, free_slots
from flows.ledger.database import Ledger, open_ledger
from flows.ledger.migrate import knows_revision, upgrade
from flows.ledger.receipts import detach_run, submitted_unfinished

_REASON = "It was in flight when the backup was taken that this ledger is restored from."
_PAGE = 200


@dataclass
class Restored:
    """What a restore did."""

    snapshot: str
    objects: int = 0
    put: int = 0
    left_out: int = 0
    in_flight: int = 0
    settings: bool = False
    moved: list[Moved] = field(default_factory=list, repr=False)

    def summary(self) -> dict[str, Any]:
        """What is printed, for programs."""
        return {name: value for name, value in vars(self).items() if name != "moved"}


def require_restorable(manifest: Manifest) -> None:
    """Refuse a ledger whose schema this release does not know.

    Raises:
        NewerBackupError: names the release that made it.
    """
    if not knows_revision(manifest.ledger_revision):
        raise NewerBackupError(
            f"The backup's ledger has the schema {manifest.ledger_revision} of receiptflow {manifest.release}, which "
            "is newer than this one: restore it with that release or a later one."
        )


def require_empty(site: Site) -> None:
    """Refuse a ledger that has receipts or keys.

    Raises:
        NotEmptyError: names the option that replaces it.
    """
    with connect(site.ledger_url, "postgres") as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if not connection.execute(query, [site.ledger_name]).fetchone():
            return
    with connect(site.ledger_url) as connection:
        tables = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        for table in ("receipts", "api_keys"):
            if table in tables and connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():  # noqa: S608
                raise NotEmptyError(
                    f"The ledger {site.ledger_name} is not empty: restore elsewhere, or put the backup's in its place "
                    "(--replace)."
                )


class Restore:
    """One snapshot on its way back to a site whose servers run, but neither gateway nor workers."""

    def __init__(self, snapshot: Snapshot, site: Site, opener: Opener) -> None:
        self._snapshot, self._site, self._opener = snapshot, site, opener
        self._done = Restored(snapshot.name)

    def run(self) -> Restored:
        """Restore everything. Cut off anywhere, it can be repeated.

        Raises:
            BackupError: says what is wrong with the backup or the place.
        """
        with self._file(LEDGER) as dump, self._file(OBJECTS) as objects:
            self._put_objects(objects)
            self._restore_ledger(dump)
        if self._site.prefect_url:
            self._restore_settings(self._site.prefect_url)
        return self._done

    def _file(self, name: str) -> IO[bytes]:
        file = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
        self._snapshot.read(name, file, self._opener)
        return file

    def _put_objects(self, objects: IO[bytes]) -> None:
        manifest = self._snapshot.manifest
        names = {
            manifest.inbox_bucket: self._site.inbox_bucket,
            manifest.results_bucket: self._site.results_bucket,
        }
        restorer = ObjectRestorer(self._snapshot, self._site, self._opener, names)
        entries = (json.loads(line) for line in read_lines(objects))
        groups = (list(group) for _, group in groupby(entries, lambda one: (one["bucket"], one["key"])))
        for moved in restorer.restore_all(groups):
            self._done.moved.append(moved)
        self._done.objects, self._done.put = restorer.objects, restorer.put
        self._done.left_out = restorer.left_out

    def _restore_ledger(self, dump: IO[bytes]) -> None:
        replacement = f"{self._site.ledger_name}_restored"
        url = with_database(self._site.ledger_url, replacement)
        create_empty(self._site.ledger_url, replacement)
        load(url, dump)
        upgrade(url)
        self._fit_versions(url)
        ledger = open_ledger(url, application_name="receiptflow restore")
        try:
            self._done.in_flight = sum(1 for _ in _detached(ledger))
        finally:
            ledger.close()
        exchange(self._site.ledger_url, replacement)

    def _fit_versions(self, url: str) -> None:
        """Let the receipts name their objects as the buckets do now."""
        columns = "bucket, key, etag, version_id, new_bucket, new_etag, new_version_id"
        with connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMP TABLE moved (bucket text, key text, etag text, version_id text, "
                "new_bucket text, new_etag text, new_version_id text)"
            )
            with cursor.copy(f"COPY moved ({columns}) FROM STDIN") as copy:
                for one in self._done.moved:
                    copy.write_row(one)
            cursor.execute(
                "UPDATE receipts r SET bucket = m.new_bucket, etag = m.new_etag, version_id = m.new_version_id "
                "FROM moved m WHERE (r.bucket, r.key, r.etag, r.version_id) = (m.bucket, m.key, m.etag, m.version_id)"
            )

    def _restore_settings(self, prefect_url: str) -> None:
        """Prefect begins without runs: with the backup's settings, or with those that it has."""
        replacement = "prefect_restored"
        with tempfile.TemporaryFile() as dump:
            if self._snapshot.has(SETTINGS):
                self._snapshot.read(SETTINGS, dump, self._opener)
                self._done.settings = True
            elif not _has_tables(prefect_url):
                return
            else:
                with dumping_settings(prefect_url) as source:
                    while data := source.read(1 << 20):
                        dump.write(data)
                dump.seek(0)
            create_empty(prefect_url, replacement)
            url = with_database(prefect_url, replacement)
            load(url, dump)
            free_slots(url)
        exchange(prefect_url, replacement)


def _has_tables(url: str) -> bool:
    with connect(url) as connection:
        return connection.execute("SELECT to_regclass('public.flow_run') IS NOT NULL").fetchone() == (True,)


def _detached(ledger: Ledger) -> Iterator[Any]:
    """Every receipt that was in flight, waiting now."""
    after = None
    while True:
        with ledger.session() as session:
            page = submitted_unfinished(session=session, quiet_seconds=-1.0, limit=_PAGE, after=after)
            for receipt in page:
                detach_run(receipt.id, _REASON, session=session)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].id
