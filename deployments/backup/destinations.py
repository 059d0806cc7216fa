"""Where backups are kept: a folder or a bucket of any S3. A file appears there whole, under its name, or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from deployments.backup.errors import BackupError, NoBackupError
from deployments.s3 import BOTO_CONFIG
from flows.storage import ObjectGoneError, s3_errors

# A file up to this size is kept in memory on its way to S3; a larger one in the machine's temporary folder.
_SPOOL_BYTES = 8_000_000
_PARTIAL = ".partial-"


class Destination(Protocol):
    """A place that keeps files by name; names have slashes."""

    def in_use(self) -> Any:
        """A context within which nobody else writes there, as far as the place can tell."""

    def draft(self) -> IO[bytes]:
        """An empty file to write into before its name is known."""

    def keep(self, draft: IO[bytes], name: str) -> None:
        """Keep a draft under its name; it is durable when this returns."""

    def names(self, prefix: str) -> Iterator[str]:
        """The names below a prefix that ends with a slash."""

    def open(self, name: str) -> IO[bytes]:
        """Read a file from its beginning; raises NoBackupError if there is none."""

    def delete(self, name: str) -> None:
        """Remove a file; one that is gone already is no error."""


class HashingWriter:
    """Writes through, and knows the SHA-256 and the size of what passed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash, self.size_bytes = file, hashlib.sha256(), 0

    @property
    def sha256(self) -> str:
        """Of what was written as yet, in hexadecimal."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> int:
        """Write all of `data`."""
        self._hash.update(data)
        self.size_bytes += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Hand on what the file below has buffered."""
        self._file.flush()


class HashingReader:
    """Reads through, and knows the SHA-256 of what passed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash = file, hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of what was read as yet, in hexadecimal."""
        return self._hash.hexdigest()

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes."""
        data = self._file.read(size)
        self._hash.update(data)
        return data


class Folder:
    """A folder of this machine, or one that is mounted."""

    def __init__(self, root: Path, *, create: bool) -> None:
        self._root = root.expanduser().resolve()
        try:
            if create:
                self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise BackupError(f"Cannot keep backups in {root}: {error}.") from error
        if not self._root.is_dir():
            raise NoBackupError(f"There is no folder {root}.")

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """One backup at a time; what a killed one left half-written is removed.

        Raises:
            BackupError: another one is at work.
        """
        with (self._root / ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BackupError(f"Another backup to {self._root} is at work: wait for its end.") from error
            for remains in self._root.glob(f"{_PARTIAL}*"):
                remains.unlink()
            yield

    def draft(self) -> IO[bytes]:
        """A file beside the others, so that it can be renamed."""
        descriptor, path = tempfile.mkstemp(prefix=_PARTIAL, dir=self._root)
        os.close(descriptor)
        return Path(path).open("w+b")

    def keep(self, draft: IO[bytes], name: str) -> None:
        """Flush to the disk, rename, and flush the folder."""
        path = self._root / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.flush()
        os.fsync(draft.fileno())
        draft.close()
        Path(draft.name).replace(path)
        for folder in {path.parent, path.parent.parent}:
            _sync_folder(folder)

    def names(self, prefix: str) -> Iterator[str]:
        """Folder by folder."""
        for folder, _, files in os.walk(self._root / prefix):
            relative = Path(folder).relative_to(self._root)
            yield from (str(relative / file) for file in files)

    def open(self, name: str) -> IO[bytes]:
        """Open the file."""
        try:
            return (self._root / name).open("rb")
        except FileNotFoundError as error:
            raise NoBackupError(f"There is no {name} in {self._root}.") from error

    def delete(self, name: str) -> None:
        """Unlink it, and its folder if that is empty then."""
        path = self._root / name
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Bucket:
    """A prefix of a bucket, with boto's own credentials and endpoint (AWS_PROFILE, AWS_ENDPOINT_URL, …)."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket, self._prefix = bucket, f"{prefix}/" if prefix else ""
        self._client: Any = boto3.Session().client("s3", config=Config(**BOTO_CONFIG))

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """S3 has no locks; two backups at once only copy twice."""
        with s3_errors(self._bucket):
            self._client.head_bucket(Bucket=self._bucket)
        yield

    def draft(self) -> IO[bytes]:
        """In memory while it is small."""
        return tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)

    def keep(self, draft: IO[bytes], name: str) -> None:
        """Upload it, in parts where it is large."""
        draft.seek(0)
        with draft, s3_errors(self._bucket, name):
            self._client.upload_fileobj(draft, self._bucket, self._prefix + name)

    def names(self, prefix: str) -> Iterator[str]:
        """A listing page at a time."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        with s3_errors(self._bucket, prefix):
            for page in pages:
                yield from (entry["Key"].removeprefix(self._prefix) for entry in page.get("Contents", ()))

    def open(self, name: str) -> IO[bytes]:
        """The open body."""
        try:
            with s3_errors(self._bucket, name):
                body: IO[bytes] = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"]
                return body
        except ObjectGoneError as error:
            raise NoBackupError(f"There is no {name} in s3://{self._bucket}/{self._prefix}.") from error

    def delete(self, name: str) -> None:
        """Delete the object."""
        with s3_errors(self._bucket, name):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)


def open_destination(place: str, *, create: bool = False) -> Destination:
    """The folder or bucket that `place` names: a path or `s3://bucket/prefix`.

    Args:
        place: Where backups are kept.
        create: Make the folder if it does not exist; a bucket has to be there.
    """
    parts = urlsplit(place)
    if parts.scheme == "s3":
        if not parts.netloc:
            raise BackupError(f"{place} names no bucket: write s3://bucket/prefix.")
        return Bucket(parts.netloc, parts.path.strip("/"))
    if "://" in place:
        raise BackupError(f"{place} is neither a folder nor s3://bucket/prefix.")
    return Folder(Path(place), create=create)
