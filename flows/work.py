"""The four steps of one receipt as plain functions over a `Work`, callable and tested without Prefect.

Order: `extract` (receive, begin the attempt, claim the content, OCR), `parse`, `record`, `notify`. Each can be run
again at any time: what is durable is loaded, what is recorded is found.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from uuid import UUID

from flows import ledger as books
from flows.configuration import Pipeline
from flows.errors import ReceiptflowError, UnreadableError
from flows.ledger import Attempt, ProcessIdentity
from flows.parse import PARSER_VERSION, parse_receipt
from flows.steps import Step, log_execution
from flows.storage import Inbox, ObjectGoneError, ObjectVersion
from flows.vocabulary import DocumentText, ReceiptFields

DEFAULT_OWNER = "default"
CRASHES_BEFORE_QUARANTINE = 3


class PoisonError(UnreadableError):
    """The receipt killed or hung its process each time it was tried."""


class MissingObjectError(ReceiptflowError):
    """The flow was asked for an object that is not in the bucket and never was received."""


@dataclass(frozen=True)
class Job:
    """What a flow run was asked to do."""

    key: str
    bucket: str | None
    owner: str
    force: bool
    flow_run_id: UUID
    door: str = "flow"


@dataclass(frozen=True)
class Outcome:
    """How a run ends. `name` becomes the flow run's state name; `receipt_id` is None if nothing was received."""

    name: str
    message: str
    receipt_id: UUID | None = None


class Work:
    """One receipt on its way through the steps.

    A plain object on purpose: Prefect walks through the fields of dataclasses and models that are passed to tasks,
    which for a receipt's thousands of words costs more than the task.
    """

    def __init__(self, job: Job, pipeline: Pipeline) -> None:
        self.job = job
        self.pipeline = pipeline
        self.inbox: Inbox = pipeline.inbox(job.bucket)
        self.version: ObjectVersion | None = None
        self.attempt: Attempt | None = None
        self.sha256: str | None = None
        self.text: DocumentText | None = None
        self.fields: ReceiptFields | None = None
        self.refusal: UnreadableError | None = None
        self.outcome: Outcome | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do: a duplicate, done before, or another run is at it."""
        return self.outcome is not None

    def refuse(self, refusal: UnreadableError) -> None:
        """Take a refusal to be recorded; raised again if nothing was received that it could be recorded on."""
        if self.attempt is None:
            raise refusal
        self.refusal = refusal

    def ended(self) -> Outcome:
        """How this work ended; raises if it has not."""
        if self.outcome is None:
            raise RuntimeError("record() decides the outcome and comes first")
        return self.outcome

    def began(self) -> Attempt:
        """The attempt that this work has begun; raises if `extract` was not run before."""
        if self.attempt is None:
            raise RuntimeError("extract() begins the attempt and comes first")
        return self.attempt


def owner_of(key: str) -> str:
    """The owner that a key names by its first folder, or the default owner."""
    first, slash, _rest = key.lstrip("/").partition("/")
    return first if slash and first else DEFAULT_OWNER


def extract(work: Work) -> bool:
    """Object → words. Returns whether they were durable before, so that no OCR was done."""
    if work.attempt is None:
        _begin(work)
    if work.settled:
        return False
    attempt = work.began()
    if attempt.sha256 and (text := _step_of_text(work, attempt.sha256).load(work.pipeline.results)):
        work.sha256, work.text = attempt.sha256, text
        return True
    data = work.inbox.read(_version(work), max_bytes=work.pipeline.max_bytes)
    work.sha256 = hashlib.sha256(data).hexdigest()
    if not _claim(work, len(data)):
        return False
    return _read(work, data)


def _begin(work: Work) -> None:
    work.version = _received_version(work)
    with work.pipeline.ledger.session() as session:
        reception = books.receive(_received_object(work, work.version), session=session)
        begun = books.begin_attempt(
            reception.receipt_id, work.job.flow_run_id, ProcessIdentity.current(), force=work.job.force, session=session
        )
    if isinstance(begun, books.AlreadyFinal):
        work.outcome = Outcome("AlreadyDone", f"{begun.state}: {begun.reason or 'done before'}", reception.receipt_id)
    elif isinstance(begun, books.Busy):
        message = f"Flow run {begun.flow_run_id} is working on this receipt."
        work.outcome = Outcome("AlreadyRunning", message, reception.receipt_id)
    else:
        work.attempt = begun
        _refuse_poison(begun)


def _received_version(work: Work) -> ObjectVersion:
    """The object as it is in the bucket, or as it was received if it is gone since."""
    try:
        return work.inbox.head(work.job.key)
    except ObjectGoneError as error:
        with work.pipeline.ledger.session() as session:
            known = books.open_receipt_of(work.inbox.bucket, work.job.key, work.job.flow_run_id, session=session)
        if known is None:
            raise MissingObjectError(f"{error} Check the key and the bucket.") from error
        return known


def _received_object(work: Work, version: ObjectVersion) -> books.ReceivedObject:
    return books.ReceivedObject(
        bucket=version.bucket,
        key=version.key,
        etag=version.etag,
        version_id=version.version_id,
        size_bytes=version.size_bytes,
        owner=work.job.owner,
        door=work.job.door,
    )


def _refuse_poison(attempt: Attempt) -> None:
    if attempt.crashes >= CRASHES_BEFORE_QUARANTINE:
        raise PoisonError(
            f"Reading it ended its process {attempt.crashes} times ({attempt.crash_reason or 'cause unknown'}). "
            "The original is kept; convert it to a plain JPEG or PNG and upload that."
        )


def _version(work: Work) -> ObjectVersion:
    if work.version is None:
        raise RuntimeError("extract() finds the object's version first")
    return work.version


def _claim(work: Work, size_bytes: int) -> bool:
    """Take the content for this receipt; False if another receipt holds it, which settles this one."""
    attempt = work.began()
    with work.pipeline.ledger.session() as session:
        claim = books.claim_content(attempt, str(work.sha256), size_bytes=size_bytes, session=session)
    if isinstance(claim, books.DuplicateOf):
        message = f"The same content as receipt {claim.receipt_id}."
        work.outcome = Outcome("Duplicate", message, attempt.receipt_id)
        return False
    return True


def _step_of_text(work: Work, sha256: str) -> Step[DocumentText]:
    return Step(sha256, "extract_text", work.pipeline.reader.version, DocumentText)


def _read(work: Work, data: bytes) -> bool:
    reader, results = work.pipeline.reader, work.pipeline.results
    step = _step_of_text(work, str(work.sha256))
    work.text, cached = step.durable(results, lambda: reader.extract(data))
    if not cached:
        results.put(preview_key(step.sha256), reader.preview(data), "image/jpeg")
    _progress(work, "extract_text")
    return cached


def preview_key(sha256: str) -> str:
    """Where the small upright picture of a receipt's first page lies, for people."""
    return f"{sha256}/preview.jpg"


def _progress(work: Work, step: str) -> None:
    with work.pipeline.ledger.session() as session:
        books.note_progress(work.began(), step, session=session)


def parse(work: Work) -> bool:
    """Words → fields. Returns whether they were durable before."""
    if work.text is None:
        raise RuntimeError("extract() comes before parse()")
    text, attempt = work.text, work.began()
    version = f"{PARSER_VERSION}-{text.engine}-{text.engine_version}"
    # Read on the day it was received, whatever day it is now: a repeated step must give the same fields. One day
    # more, since it may be tomorrow already where the receipt was printed.
    today = attempt.received_at.date() + dt.timedelta(days=1)
    step = Step(text.sha256, "parse_receipt", version, ReceiptFields)
    work.fields, cached = step.durable(work.pipeline.results, lambda: parse_receipt(text, today=today))
    return cached


def record(work: Work) -> bool:
    """Fields, or the refusal, → ledger, in one transaction. Returns whether that was recorded before."""
    attempt = work.began()
    subject = str(attempt.receipt_id)
    log_execution("started", "record_expense", subject)
    with work.pipeline.ledger.session() as session:
        work.outcome = _recorded(work, attempt, session)
    log_execution("durable", "record_expense", subject)
    return False


def _recorded(work: Work, attempt: Attempt, session: books.Session) -> Outcome:
    if work.refusal is not None:
        books.record_quarantine(attempt, str(work.refusal), session=session)
        return Outcome("Quarantined", str(work.refusal), attempt.receipt_id)
    if work.fields is None or work.text is None:
        raise RuntimeError("parse() comes before record()")
    extraction = books.ExtractionOf(
        engine=work.text.engine,
        engine_version=work.text.engine_version,
        words_key=_step_of_text(work, work.text.sha256).key,
    )
    if work.fields.decision == "review":
        books.record_review(attempt, work.fields, extraction, session=session)
        return Outcome("Review", "; ".join(work.fields.reasons) or "unsure", attempt.receipt_id)
    books.record_expense(attempt, work.fields, extraction, session=session)
    return Outcome("Expensed", _in_words(work.fields), attempt.receipt_id)


def _in_words(fields: ReceiptFields) -> str:
    parts = [found.value for found in (fields.merchant, fields.purchase_date, fields.total, fields.currency) if found]
    return " · ".join(str(part) for part in parts)
