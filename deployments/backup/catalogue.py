"""Which objects a backup holds, in a temporary file: memory does not grow with their number.

An object's content is named by bucket, key and ETag: what a backup holds already is not read again. The ledger's rows
name the versions that receipts stand for, the buckets' listings the objects that no receipt knows yet.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.storage import ObjectVersion

OBJECTS = "objects"
_SCHEMA = """
CREATE TABLE stored (identity TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (
    number INTEGER PRIMARY KEY, bucket TEXT, key TEXT, etag TEXT, version_id TEXT, receipt_id TEXT,
    present INTEGER DEFAULT 0, blob TEXT, UNIQUE (bucket, key, etag, version_id)
);
"""
_MEDIA_TYPE = re.compile(r"[a-z]+/[\w.+-]{1,80}")
_UNNAMED_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class Entry:
    """One object of the backup. `receipt_id` is empty where no receipt knows it yet."""

    number: int
    version: ObjectVersion
    receipt_id: str


def identity_of(version: ObjectVersion, recipients: Sequence[str] = ()) -> str:
    """The name of a content at its place: the same key with the same ETag has the same bytes.

    What is encrypted to other keys, or not at all, is stored beside it.
    """
    parts = (version.bucket, version.key, version.etag, *sorted(recipients))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def blob_name(identity: str, sha256: str, media_type: str) -> str:
    """Where a content is stored. All that is needed to use it again stands in the name: a listing is the memory."""
    kind = media_type if _MEDIA_TYPE.fullmatch(media_type) else _UNNAMED_TYPE
    return f"{OBJECTS}/{identity[:2]}/{identity}.{sha256}.{kind.replace('/', '_', 1)}"


def identity_in(name: str) -> str:
    """The identity of a stored object."""
    return name.rsplit("/", 1)[-1].split(".", 1)[0]


def blob_sha256(name: str) -> str:
    """The hash of a stored object's bytes."""
    return name.rsplit("/", 1)[-1].split(".", 2)[1]


def blob_media_type(name: str) -> str:
    """The media type that the object's sender named."""
    return name.rsplit("/", 1)[-1].split(".", 2)[2].replace("_", "/", 1)


class Catalogue:
    """The objects of one backup, and what is stored of them already."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file

    def add_stored(self, names: Iterable[str]) -> None:
        """Note what the destination holds."""
        rows = ((identity_in(name), name) for name in names if name.count(".") >= 2)
        self._file.executemany("INSERT OR REPLACE INTO stored VALUES (?, ?)", rows)

    def forget_entries(self) -> None:
        """Begin the list of objects again."""
        self._file.execute("DELETE FROM entries")

    def add_received(self, rows: Iterable[tuple[str, str, str, str, str]]) -> None:
        """Add receipts' objects (bucket, key, ETag, version id, receipt id), in order of arrival."""
        self._file.executemany(
            "INSERT OR IGNORE INTO entries (bucket, key, etag, version_id, receipt_id) VALUES (?, ?, ?, ?, ?)", rows
        )

    def add_present(self, versions: Iterable[ObjectVersion]) -> None:
        """Add the objects that a key names now; those of a receipt are marked."""
        for one in versions:
            named = (one.bucket, one.key, one.etag)
            marked = self._file.execute(
                "UPDATE entries SET present = 1 WHERE number = (SELECT max(number) FROM entries "
                "WHERE bucket = ? AND key = ? AND etag = ?)",
                named,
            )
            if not marked.rowcount:
                self._insert(one, present=1)

    def add_older(self, versions: Iterable[ObjectVersion]) -> None:
        """Add versions that were overwritten; those of a receipt are known already."""
        for one in versions:
            same = "SELECT 1 FROM entries WHERE bucket = ? AND key = ? AND etag = ? AND version_id IN ('', ?)"
            if not self._file.execute(same, (one.bucket, one.key, one.etag, one.version_id)).fetchone():
                self._insert(one, present=0)

    def _insert(self, one: ObjectVersion, *, present: int) -> None:
        self._file.execute(
            "INSERT OR IGNORE INTO entries (bucket, key, etag, version_id, receipt_id, present) "
            "VALUES (?, ?, ?, ?, '', ?)",
            (one.bucket, one.key, one.etag, one.version_id, present),
        )

    def entries(self) -> Iterator[Entry]:
        """All objects, in no order that matters. The list may be changed meanwhile."""
        last = 0
        query = "SELECT number, bucket, key, etag, version_id, receipt_id FROM entries WHERE number > ? ORDER BY 1"
        while rows := self._file.execute(f"{query} LIMIT 500", (last,)).fetchall():
            for number, bucket, key, etag, version_id, receipt_id in rows:
                yield Entry(number, ObjectVersion(bucket, key, etag, 0, version_id), receipt_id)
            last = rows[-1][0]

    def stored(self, identity: str) -> str | None:
        """The stored object with this identity."""
        row = self._file.execute("SELECT name FROM stored WHERE identity = ?", (identity,)).fetchone()
        return str(row[0]) if row else None

    def set_blob(self, entry: Entry, name: str) -> None:
        """Note where an object is stored."""
        self._file.execute("UPDATE entries SET blob = ? WHERE number = ?", (name, entry.number))
        self.add_stored([name])

    def lines(self) -> Iterator[dict[str, str | int]]:
        """What is written into the snapshot, sorted by place, of each key the present object last."""
        columns = ("bucket", "key", "etag", "version_id", "present", "blob")
        rows = self._file.execute(
            f"SELECT {', '.join(columns)} FROM entries WHERE blob IS NOT NULL ORDER BY bucket, key, present, number"  # noqa: S608
        )
        return (dict(zip(columns, row, strict=True)) for row in rows)

    def count(self) -> int:
        """How many objects are stored."""
        return int(self._file.execute("SELECT count(*) FROM entries WHERE blob IS NOT NULL").fetchone()[0])

    def missing(self) -> Iterator[str]:
        """The receipts whose object is in no bucket."""
        rows = self._file.execute("SELECT receipt_id FROM entries WHERE blob IS NULL AND receipt_id != ''")
        return (row[0] for row in rows)


@contextmanager
def open_catalogue() -> Iterator[Catalogue]:
    """An empty catalogue, gone after the block."""
    with tempfile.TemporaryDirectory(prefix="receiptflow-backup-") as folder:
        file = sqlite3.connect(Path(folder) / "catalogue", isolation_level=None)
        try:
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -16000"):
                file.execute(f"PRAGMA {pragma}")
            file.executescript(_SCHEMA)
            yield Catalogue(file)
        finally:
            file.close()
