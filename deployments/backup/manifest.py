"""What a backup consists of. Its manifest is written last: a snapshot without one was cut off and is no backup.

objects/ab/abcdef….<sha256>.image_jpeg   an original or a step's result, shared by all snapshots
snapshots/20261128T101500.123Z/ledger.dump        pg_dump's custom format
                               objects.jsonl.gz   which objects, under which keys and versions
                               blobs.txt.gz       the same as names only, never encrypted, for --keep
                               settings.dump      Prefect's database without its runs
                               secrets.json       the stack's credentials
                               manifest.json      written last
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from contextlib import closing
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from deployments.backup.destinations import Destination, HashingReader
from deployments.backup.errors import DamagedBackupError, NewerBackupError, NoBackupError
from deployments.backup.sealing import Opener

FORMAT = 1
SNAPSHOTS = "snapshots"
LEDGER, OBJECTS, BLOBS, SETTINGS, SECRETS, MANIFEST = (
    "ledger.dump",
    "objects.jsonl.gz",
    "blobs.txt.gz",
    "settings.dump",
    "secrets.json",
    "manifest.json",
)
_CHUNK_BYTES = 1 << 20


class StoredFile(BaseModel):
    """A file of a snapshot as it is stored, encrypted or not."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    size_bytes: int


class Counts(BaseModel):
    """What one backup saw and copied."""

    objects: int = 0
    copied: int = 0
    copied_bytes: int = 0
    missing: int = 0
    passes: int = 0


class Manifest(BaseModel):
    """One snapshot. `files` holds its files by name; `recipients` are the public keys that it is encrypted to."""

    model_config = ConfigDict(frozen=True)

    format: int
    created_at: dt.datetime
    release: str
    ledger_revision: str
    inbox_bucket: str
    results_bucket: str
    with_results: bool
    recipients: tuple[str, ...]
    files: dict[str, StoredFile]
    counts: Counts


class Snapshot:
    """A finished backup at its place."""

    def __init__(self, destination: Destination, name: str, manifest: Manifest) -> None:
        self.destination, self.name, self.manifest = destination, name, manifest

    def read(self, file: str, target: IO[bytes], opener: Opener) -> None:
        """Copy one of the snapshot's files into `target`, decrypted, its hash compared, and rewind.

        Raises:
            DamagedBackupError: it is missing or was changed.
        """
        stored = self.manifest.files[file]
        name = f"{SNAPSHOTS}/{self.name}/{file}"
        sealed = bool(self.manifest.recipients) and file != BLOBS

        def decode(source: IO[bytes], plain: IO[bytes]) -> None:
            opener.open(name, source, plain, sealed=sealed)

        open_checked(self.destination, name, stored.sha256, target, decode)

    def has(self, file: str) -> bool:
        """Whether it includes this file."""
        return file in self.manifest.files


def open_checked(
    destination: Destination,
    name: str,
    sha256: str,
    target: IO[bytes],
    decode: Callable[[Any, IO[bytes]], None],
) -> None:
    """Copy a stored file into `target` through `decode`, and rewind; its bytes must have this hash.

    Raises:
        DamagedBackupError: it is missing, or its bytes are others.
    """
    try:
        source = destination.open(name)
    except NoBackupError as error:
        raise DamagedBackupError(name, "is missing") from error
    with closing(source):
        hashed = HashingReader(source)
        decode(hashed, target)
        while hashed.read(_CHUNK_BYTES):  # what a decoder left unread belongs to the file too
            pass
    if hashed.sha256 != sha256:
        raise DamagedBackupError(name, "has other bytes than were written")
    target.seek(0)


def finished_snapshots(destination: Destination) -> list[str]:
    """The names of the snapshots that have a manifest, oldest first."""
    names = (name.split("/") for name in destination.names(f"{SNAPSHOTS}/"))
    return sorted(parts[1] for parts in names if parts[2:] == [MANIFEST])


def load_snapshot(destination: Destination, name: str | None = None) -> Snapshot:
    """A snapshot by its name, the newest by default.

    Raises:
        NoBackupError: there is none that was finished.
        NewerBackupError: a newer release wrote it.
        DamagedBackupError: its manifest is broken.
    """
    known = finished_snapshots(destination)
    chosen = name or (known[-1] if known else None)
    if chosen not in known:
        there = f"Finished are: {', '.join(known)}." if known else "None was finished here."
        raise NoBackupError(
            f"There is no backup {name or ''} (a snapshot without {MANIFEST} was cut off and is none). {there}"
        )
    file = f"{SNAPSHOTS}/{chosen}/{MANIFEST}"
    with closing(destination.open(file)) as source:
        return Snapshot(destination, chosen, _parsed(file, source.read()))


def _parsed(file: str, text: bytes) -> Manifest:
    try:
        version = json.loads(text)["format"]
        if version != FORMAT:
            raise NewerBackupError(
                f"{file} has format {version}, this release reads {FORMAT}: restore with the release that made it."
            )
        return Manifest.model_validate_json(text)
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise DamagedBackupError(file, "is no manifest") from error
