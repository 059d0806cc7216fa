"""Put the objects of a backup back into their buckets, versions in their order, and say how they are named there."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any, NamedTuple

from botocore.exceptions import ClientError

from deployments.backup.catalogue import blob_media_type, blob_sha256
from deployments.backup.errors import BackupError
from deployments.backup.manifest import Snapshot, open_checked
from deployments.backup.sealing import Opener
from deployments.backup.site import Site
from flows.storage import ObjectReplacedError, ObjectVersion, s3_errors

_KEYS_AT_ONCE = 4
_SPOOL_BYTES = 8_000_000


class Moved(NamedTuple):
    """An object's name in the backup, and its name now."""

    bucket: str
    key: str
    etag: str
    version_id: str
    new_bucket: str
    new_etag: str
    new_version_id: str


class ObjectRestorer:
    """Puts objects of a snapshot. `names` are today's names of its buckets; others keep theirs."""

    def __init__(self, snapshot: Snapshot, site: Site, opener: Opener, names: Mapping[str, str]) -> None:
        self._snapshot, self._site, self._opener, self._names = snapshot, site, opener, names
        self._sealed = bool(snapshot.manifest.recipients)
        self._versioned: dict[str, bool] = {}
        self.objects = self.put = self.left_out = 0

    def restore_all(self, keys: Iterator[list[dict[str, Any]]]) -> Iterator[Moved]:
        """Restore the entries of key after key, a few keys at once; those whose name has changed.

        Raises:
            DamagedBackupError: a stored object is not what was written.
        """
        waiting: deque[Future[list[tuple[Moved, bool]]]] = deque()
        with ThreadPoolExecutor(_KEYS_AT_ONCE) as pool:
            for entries in keys:
                waiting.append(pool.submit(self._restore_key, entries, self._is_versioned(entries[0]["bucket"])))
                if len(waiting) > 2 * _KEYS_AT_ONCE:
                    yield from self._count(waiting.popleft())
            while waiting:
                yield from self._count(waiting.popleft())

    def _count(self, restored: Future[list[tuple[Moved, bool]]]) -> Iterator[Moved]:
        for moved, was_put in restored.result():
            self.objects += 1
            self.put += was_put
            if moved[4:] != (moved.bucket, moved.etag, moved.version_id):
                yield moved

    def _is_versioned(self, bucket: str) -> bool:
        """Whether the bucket keeps versions; it is made if it does not exist."""
        name = self._names.get(bucket, bucket)
        if name not in self._versioned:
            with s3_errors(name):
                known = {one["Name"] for one in self._site.s3.list_buckets()["Buckets"]}
                if name not in known:
                    raise BackupError(f"There is no bucket {name}: create it, with versioning if it had that before.")
            self._versioned[name] = self._site.bucket(name).is_versioned()
        return self._versioned[name]

    def _restore_key(self, entries: list[dict[str, Any]], versioned: bool) -> list[tuple[Moved, bool]]:
        """The entries of one key, the present one last. A bucket without versions can only hold that."""
        bucket = self._names.get(entries[0]["bucket"], entries[0]["bucket"])
        if not versioned:
            self.left_out += len(entries) - 1
            entries = entries[-1:]
        for conditional in (True, True, False):
            there = self._site.bucket(bucket).versions(entries[0]["key"])
            found, is_new = _found(entries, there), conditional and not there
            try:
                return [
                    self._restore_one(bucket, entry, found.get(number), is_first=is_new and number == 0)
                    for number, entry in enumerate(entries)
                ]
            except ObjectReplacedError:  # what a killed restore had sent has come since: it is in the next listing
                continue
        raise AssertionError("unreachable")

    def _restore_one(
        self, bucket: str, entry: dict[str, Any], found: ObjectVersion | None, *, is_first: bool
    ) -> tuple[Moved, bool]:
        before = (entry["bucket"], entry["key"], entry["etag"], entry["version_id"])
        if found is not None:
            return Moved(*before, bucket, found.etag, found.version_id if entry["version_id"] else ""), False
        etag, version_id = self._put(bucket, entry["key"], entry["blob"], is_first=is_first)
        return Moved(*before, bucket, etag, version_id), True

    def _put(self, bucket: str, key: str, blob: str, *, is_first: bool) -> tuple[str, str]:
        media_type = blob_media_type(blob)
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as plain:
            self._read(blob, plain)
            with s3_errors(bucket, key):
                answer = self._put_object(plain, is_first=is_first, Bucket=bucket, Key=key, ContentType=media_type)
        version = answer.get("VersionId") or ""
        return answer["ETag"].strip('"'), "" if version == "null" else version

    def _put_object(self, body: IO[bytes], *, is_first: bool, **options: Any) -> dict[str, Any]:
        """Put it, the first version only where there is none; without that condition where S3 does not know it."""
        if is_first:
            try:
                return dict(self._site.s3.put_object(Body=body, IfNoneMatch="*", **options))
            except ClientError as error:
                if error.response["Error"]["Code"] != "NotImplemented":
                    raise
                body.seek(0)
        return dict(self._site.s3.put_object(Body=body, **options))

    def _read(self, blob: str, plain: IO[bytes]) -> None:
        def decode(source: IO[bytes], target: IO[bytes]) -> None:
            self._opener.open(blob, source, target, sealed=self._sealed)

        open_checked(self._snapshot.destination, blob, blob_sha256(blob), plain, decode)


def _found(entries: list[dict[str, Any]], there: list[ObjectVersion]) -> dict[int, ObjectVersion]:
    """Which entries are there already: the very same version, else one with the same content that is no other's."""
    named = {(one.etag, one.version_id): one for one in there}
    found = {n: named[key] for n, entry in enumerate(entries) if (key := (entry["etag"], entry["version_id"])) in named}
    spare = [one for one in there if one not in found.values()]
    for number, entry in enumerate(entries):
        if number not in found and (alike := next((one for one in spare if one.etag == entry["etag"]), None)):
            found[number] = alike
            spare.remove(alike)
    return found
