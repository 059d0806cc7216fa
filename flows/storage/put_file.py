"""Put a file into the inbox under a key that never overwrites another receipt.

The key is the file's own name; if that is taken by other content, the content's hash is added to it. Putting the
same content twice under the same name is one object.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import NamedTuple

from flows.domain.errors import ConfigurationError
from flows.domain.owners import DEFAULT_OWNER
from flows.storage.inbox import Inbox
from flows.storage.storage import ObjectGoneError, ObjectVersion


class PutFile(NamedTuple):
    """Where a file lies, and whether it lay there before."""

    version: ObjectVersion
    was_there: bool


def put_file(inbox: Inbox, owner: str, name: str, body: bytes, *, content_type: str, folder: str = "") -> PutFile:
    """Store a file for an owner; durable when this returns.

    Args:
        inbox: the bucket.
        owner: first folder of the key.
        name: the file's name; only its last component is used.
        body: its bytes.
        content_type: kept with the object, for people who download it.
        folder: below the owner's, for example what names the mail that the file came with.
    """
    key = "/".join(filter(None, (clean_owner(owner), folder, clean_name(name))))
    there = _present(inbox, key)
    if there is not None and not _same(there, body):
        path = PurePosixPath(key)
        key = str(path.with_name(f"{path.stem}-{hashlib.sha256(body).hexdigest()[:12]}{path.suffix}"))
        there = _present(inbox, key)
    if there is not None and _same(there, body):
        return PutFile(there, was_there=True)
    return PutFile(inbox.put(key, body, content_type), was_there=False)


def _present(inbox: Inbox, key: str) -> ObjectVersion | None:
    try:
        return inbox.head(key)
    except ObjectGoneError:
        return None


def _same(there: ObjectVersion, body: bytes) -> bool:
    # An ETag of a plain put is the content's MD5 in every S3; of a multipart upload it is not, and then a second
    # object is made, which the flow finds to be a duplicate.
    return there.etag == hashlib.md5(body, usedforsecurity=False).hexdigest()


def clean_owner(owner: str) -> str:
    """An owner as one path segment.

    Raises:
        ConfigurationError: it is empty or would be more than one segment.
    """
    name = owner.strip() or DEFAULT_OWNER
    if "/" in name or name in {".", ".."} or not name.isprintable():
        raise ConfigurationError(f"The owner {owner!r} must be one folder name, without slashes.")
    if name.endswith(".versions"):
        raise ConfigurationError(f"The owner {owner!r} must not end in .versions: SeaweedFS hides folders named so.")
    return name


def clean_name(name: str) -> str:
    """A file name as the last component of a key: no folders, no control characters, at most 200 characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    cleaned = "".join(character for character in last if character.isprintable()).strip(". ")
    stem, dot, suffix = cleaned.rpartition(".")
    return f"{stem[:190]}{dot}{suffix[:10]}" if stem else cleaned[:200] or "receipt"
