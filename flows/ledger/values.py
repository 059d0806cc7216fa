"""What the ledger's functions take and answer: immutable values, never table rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Protocol, Self
from uuid import UUID

from flows.domain.owners import owner_of
from flows.domain.review_reasons import ReviewReason
from flows.ledger.errors import InvalidReferenceError
from flows.ledger.schema import Source, State, Via


class StoredObject(Protocol):
    """One object of a bucket as S3 names it, whoever asked S3: what `flows.storage.ObjectVersion` is."""

    @property
    def bucket(self) -> str:
        """Its bucket's name."""

    @property
    def key(self) -> str:
        """Its key."""

    @property
    def etag(self) -> str:
        """Its ETag."""

    @property
    def size_bytes(self) -> int:
        """Its size."""

    @property
    def version_id(self) -> str:
        """Empty where the bucket keeps no versions."""


@dataclass(frozen=True, slots=True)
class ReceivedObject:
    """One object in a bucket, as a listing, an event or a PUT names it. Quotes around the ETag are dropped."""

    bucket: str
    key: str
    etag: str
    owner: str
    source: str
    size_bytes: int = 0
    version_id: str = ""
    priority: int = 0
    pipeline_version: str | None = None

    def __post_init__(self) -> None:
        """Normalise what S3 writes in two ways, refuse what PostgreSQL cannot hold.

        Raises:
            InvalidReferenceError: A name holds a NUL character.
            ValueError: There is no such source.
        """
        object.__setattr__(self, "source", Source(self.source))
        object.__setattr__(self, "etag", self.etag.strip('"'))
        object.__setattr__(self, "version_id", "" if self.version_id == "null" else self.version_id)
        if "\x00" in f"{self.bucket}{self.key}{self.etag}{self.version_id}{self.owner}":
            raise InvalidReferenceError(f"the object key {self.key!r} holds a NUL character; rename the object")

    @classmethod
    def of(cls, stored: StoredObject, source: Source, *, owner: str | None = None) -> Self:
        """A stored object as the ledger receives it; whose it is says its key, where `owner` does not.

        Raises:
            InvalidReferenceError: A name holds a NUL character.
        """
        return cls(
            bucket=stored.bucket,
            key=stored.key,
            etag=stored.etag,
            version_id=stored.version_id,
            size_bytes=stored.size_bytes,
            owner=owner_of(stored.key) if owner is None else owner,
            source=source,
        )


@dataclass(frozen=True, slots=True)
class Reception:
    """What `receive` found or made. `reopened` belongs into the flow run's idempotency key."""

    receipt_id: UUID
    created: bool
    state: State
    flow_run_id: UUID | None
    reopened: int
    held: bool
    submitted: bool


@dataclass(frozen=True, slots=True)
class WaitingReceipt:
    """What is needed to submit a receipt. `reopened` belongs into the flow run's idempotency key."""

    receipt_id: UUID
    bucket: str
    key: str
    owner: str
    reopened: int
    pipeline_version: str | None
    priority: int


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process on one boot of one host. `pid_started` tells a process from a later one with the same pid."""

    host_id: str
    boot_id: str
    pid: int
    pid_started: int


@dataclass(frozen=True, slots=True)
class ProcessLease:
    """Who runs a receipt's current attempt, and how long ago it last said so, by the database's clock.

    `server_up_seconds` is how long the database has been up: a heartbeat could not be written before.
    """

    process: ProcessIdentity
    silent_seconds: float
    server_up_seconds: float = float("inf")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One process working on one receipt. `number` fences every write.

    `sha256` is known if an earlier attempt claimed the content; `crashes` is how often the step behind the last one
    that got done has ended its process.
    """

    receipt_id: UUID
    flow_run_id: UUID
    number: int
    received_at: dt.datetime
    sha256: str | None = None
    crashes: int = 0
    crash_reason: str | None = None


@dataclass(frozen=True, slots=True)
class AlreadyFinal:
    """The receipt is final; nothing is to be done but notifications that are still `unsent`."""

    receipt_id: UUID
    state: State
    reason: str | None
    unsent: int


@dataclass(frozen=True, slots=True)
class Busy:
    """Another flow run works on the receipt and its process may be alive."""

    receipt_id: UUID
    flow_run_id: UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """This receipt is the one that is read for its content."""

    content_id: UUID


@dataclass(frozen=True, slots=True)
class DuplicateOf:
    """Another receipt of the same owner has the same content; this one is marked `duplicate`."""

    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class Extraction:
    """What read the words. `words_key` is where they lie in the results bucket, `text` is all of them, for search."""

    engine: str
    engine_version: str
    words_key: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class SamePurchase:
    """Another receipt's expense seems to be the same purchase; this one is in review, for a person to decide."""

    receipt_id: UUID

    @property
    def reason(self) -> str:
        """In words for the person. Only an id of the other receipt: its content goes with its deletion."""
        return ReviewReason.SAME_PURCHASE.says(other=self.receipt_id)


@dataclass(frozen=True, slots=True)
class Settled:
    """A person decided what the content is, which no reading changes: the receipt is in `state` again."""

    state: State
    reason: str | None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who decides. `name` is a person's or a key's name, `person_id` their account where they have one."""

    name: str
    via: Via
    person_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The expense that was posted, or was posted already (`created` false)."""

    expense_id: UUID
    created: bool
