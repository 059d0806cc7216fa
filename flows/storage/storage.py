"""What both buckets share: an object as S3 names it, S3's failures as our own errors, and leaner listings.

Talks S3 through the boto client of the bucket's prefect-aws credentials, because prefect-aws offers neither reading
by version nor a listing page by page. Every failure leaves here as one of our own errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from flows.domain.errors import ConfigurationError, TransientError, UnreadableError

_GONE = {"404", "NoSuchKey", "NoSuchVersion", "NotFound"}
_REFUSED = {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
_UNREAD = re.compile(rb"<(LastModified|Owner|StorageClass)>.*?</\1>", re.DOTALL)


class StorageUnavailableError(TransientError):
    """S3 did not answer, or answered that it cannot just now."""


class ObjectGoneError(UnreadableError):
    """The object is no longer in the bucket."""


class ObjectReplacedError(UnreadableError):
    """The key holds another object now; that one is a receipt of its own."""


_ALL_FIELDS: ContextVar[bool] = ContextVar("all_fields", default=False)


@dataclass(frozen=True)
class ObjectVersion:
    """One object of a bucket as S3 names it. `etag` is without quotes, `version_id` empty without versioning."""

    bucket: str
    key: str
    etag: str
    size_bytes: int
    version_id: str = ""


@contextmanager
def s3_errors(bucket: str, key: str = "") -> Iterator[None]:
    """Raise what boto raises inside as one of our own errors.

    Raises:
        ObjectGoneError: there is no such object (version).
        ObjectReplacedError: the key holds another object.
        ConfigurationError: no bucket, no credentials, or they are refused.
        StorageUnavailableError: anything else: S3 is away.
    """
    where = f"s3://{bucket}/{key}"
    try:
        yield
    except ClientError as error:
        raise _translated(error, where) from error
    except NoCredentialsError as error:
        raise ConfigurationError(f"No credentials for {where}: fill in the bucket's credentials block.") from error
    except (BotoCoreError, OSError) as error:
        raise StorageUnavailableError(f"{where}: {error}") from error


def _translated(error: ClientError, where: str) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _GONE:
        return ObjectGoneError(f"{where} is no longer in the bucket; upload it again if it is still needed.")
    if code in {"412", "PreconditionFailed"}:
        return ObjectReplacedError(f"{where} was replaced by another upload, which is handled as a receipt of its own.")
    if code == "NoSuchBucket":
        return ConfigurationError(f"{where}: there is no such bucket; create it or correct the bucket block.")
    if code in _REFUSED:
        return ConfigurationError(f"{where}: access refused ({code}); correct the bucket's credentials block.")
    return StorageUnavailableError(f"{where}: {error}")


def skip_unread_fields(client: Any) -> None:
    """Take out of listings what nobody here asks for before botocore parses it: dates alone are two thirds of that.

    The client is the process's own, by its credentials block: whoever else uses it gets listings without it, too.
    """
    for operation in ("ListObjectsV2", "ListObjectVersions"):
        name = f"before-parse.s3.{operation}"
        client.meta.events.register(name, _without_unread, unique_id=f"receiptflow-{operation}")


@contextmanager
def all_fields() -> Iterator[None]:
    """Requests of this thread within the block get whole listings, with dates."""
    token = _ALL_FIELDS.set(True)
    try:
        yield
    finally:
        _ALL_FIELDS.reset(token)


def _without_unread(response_dict: dict[str, Any], **_: Any) -> None:
    if not _ALL_FIELDS.get():
        response_dict["body"] = _UNREAD.sub(b"", response_dict["body"])
