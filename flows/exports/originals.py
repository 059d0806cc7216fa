"""Originals from their buckets, for exports that take pictures along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from flows.exports.pictures import OpenOriginal
from flows.ledger.exports import Original
from flows.storage import Inbox, ObjectGoneError, ObjectReplacedError, ObjectVersion

_PIECE_BYTES = 256 * 1024


def originals_in(s3: Any) -> OpenOriginal:
    """Opens originals in pieces, by boto3's client."""

    @cache
    def inbox(bucket: str) -> Inbox:
        return Inbox(s3, bucket)

    def open_original(original: Original) -> Iterable[bytes] | None:
        version = ObjectVersion(original.bucket, original.key, original.etag, original.size_bytes, original.version_id)
        try:
            body = inbox(original.bucket).open(version)
        except (ObjectGoneError, ObjectReplacedError):
            return None
        return _pieces(body)

    return open_original


def _pieces(body: Any) -> Iterator[bytes]:
    with body:
        yield from body.iter_chunks(_PIECE_BYTES)
