"""The four steps of one receipt as plain functions over a `Work`, callable and tested without Prefect.

Order: `extract` (receive, begin the attempt, claim the content, OCR), `parse`, `record`, `notify`. Each can be run
again at any time: what is durable is loaded, what is recorded is found.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel
from sqlmodel import Session

from flows import ledger as books
from flows.configuration import Pipeline
from flows.errors import ReceiptflowError, UnreadableError
from flows.intake import media_type_of
from flows.ledger import Attempt, Door, ReceiptView, State
from flows.parse import PARSER_VERSION, latest_day, parse_receipt
from flows.parse_llm import parse_with_llm
from flows.processes import holder_is_gone, this_process
from flows.reading import Reader
from flows.steps import Step, log_execution, result_key
from flows.storage import Inbox, ObjectGoneError, ObjectVersion
from flows.vocabulary import DocumentText, ReceiptFields

CRASHES_BEFORE_QUARANTINE = 3
# A kill -9 is the kernel's answer to exhausted memory, but also an operator's to anything: it proves less.
KILLS_BEFORE_QUARANTINE = 5
_STATE_NAMES = {
    State.EXPENSED: "Expensed",
    State.REVIEW: "Review",
    State.DUPLICATE: "Duplicate",
    State.QUARANTINED: "Quarantined",
}


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


@dataclass(frozen=True)
class Outcome:
    """How a run ends. `name` becomes the flow run's state name."""

    name: str
    message: str
    receipt_id: UUID


class Recorded(BaseModel):
    """An outcome as the results bucket keeps it."""

    name: str
    message: str
    receipt_id: UUID


class Work:
    """One receipt on its way through the steps.

    A plain object on purpose: Prefect walks through the fields of dataclasses and models that are passed to tasks,
    which for a receipt's thousands of words costs more than the task.
    """

    def __init__(self, job: Job, pipeline: Pipeline) -> None:
        self.job = job
        self.pipeline = pipeline
        self.inbox: Inbox = pipeline.inbox(job.bucket)
        self.known: ReceiptView | None = None
        self.attempt: Attempt | None = None
        self.text: DocumentText | None = None
        self.preview: bytes | None = None  # kept from reading, else in the results bucket
        self.fields: ReceiptFields | None = None
        self.refusal: UnreadableError | None = None
        self.outcome: Outcome | None = None
        self.untold = False

    @property
    def receipt(self) -> ReceiptView:
        """The receipt as it was when the attempt began."""
        if self.known is None:
            raise RuntimeError("extract() receives the object and comes first")
        return self.known

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


def extract(work: Work) -> bool:
    """Object → words. Returns whether they were durable before, so that no OCR was done."""
    if work.attempt is None:
        _begin(work)
    if work.settled:
        return False
    known = work.receipt.sha256
    if known and (text := _step_of_text(work, known).load(work.pipeline.results)):
        work.text = text
        return True
    data = work.pipeline.inbox(work.receipt.bucket).read(_version(work.receipt), max_bytes=work.pipeline.max_bytes)
    sha256 = hashlib.sha256(data).hexdigest()
    if not _claim(work, sha256, data):
        return False
    return _read(work, sha256, data)


def _begin(work: Work) -> None:
    """Begin an attempt on the receipt that this run is for, unless there is nothing to do."""
    receipt_id = _receipt_of(work)
    with work.pipeline.ledger.session() as session:
        begun = books.begin_attempt(
            receipt_id,
            work.job.flow_run_id,
            this_process(),
            holder_is_gone=holder_is_gone,
            force=work.job.force,
            session=session,
        )
        work.known = books.get_receipt(receipt_id, session=session)
    if isinstance(begun, books.Attempt):
        work.attempt = begun
        _refuse_poison(work.known)
    else:
        work.outcome = _settled(begun, work.known)
        work.untold = isinstance(begun, books.AlreadyFinal) and begun.unsent > 0


def _receipt_of(work: Work) -> UUID:
    """The receipt that this run was submitted for; else the object's present version, received if it is new."""
    with work.pipeline.ledger.session() as session:
        submitted = books.receipt_of_flow_run(work.job.flow_run_id, session=session)
    if submitted is not None:
        return submitted.id
    try:
        version = work.inbox.head(work.job.key)
    except ObjectGoneError as error:
        raise MissingObjectError(f"{error} Check the key and the bucket.") from error
    with work.pipeline.ledger.session() as session:
        return books.receive(_received_object(work, version), session=session).receipt_id


def _settled(begun: books.AlreadyFinal | books.Busy, receipt: ReceiptView) -> Outcome:
    if isinstance(begun, books.Busy):
        return Outcome("AlreadyRunning", f"Flow run {begun.flow_run_id} is working on this receipt.", receipt.id)
    name = _STATE_NAMES[begun.state]
    mine = "" if receipt.state is State.DUPLICATE or begun.unsent else "Done before: "
    return Outcome(name, f"{mine}{begun.reason or receipt.key}", receipt.id)


def _received_object(work: Work, version: ObjectVersion) -> books.ReceivedObject:
    return books.ReceivedObject(
        bucket=version.bucket,
        key=version.key,
        etag=version.etag,
        version_id=version.version_id,
        size_bytes=version.size_bytes,
        owner=work.job.owner,
        door=Door.FLOW,
    )


def _refuse_poison(receipt: ReceiptView) -> None:
    if receipt.crashes >= _crashes_allowed(receipt.crash_reason):
        raise PoisonError(
            f"Reading it ended its process {receipt.crashes} times ({receipt.crash_reason or 'cause unknown'}). "
            "The original is kept; convert it to a plain JPEG or PNG and upload that."
        )


def _crashes_allowed(reason: str | None) -> int:
    return KILLS_BEFORE_QUARANTINE if "SIGKILL" in (reason or "") else CRASHES_BEFORE_QUARANTINE


def _version(receipt: ReceiptView) -> ObjectVersion:
    return ObjectVersion(receipt.bucket, receipt.key, receipt.etag, receipt.size_bytes, receipt.version_id)


def _claim(work: Work, sha256: str, data: bytes) -> bool:
    """Take the content for this receipt; False if another receipt holds it, which settles this one."""
    with work.pipeline.ledger.session() as session:
        claim = books.claim_content(
            work.began(), sha256, size_bytes=len(data), media_type=_media_type(data), session=session
        )
    if isinstance(claim, books.DuplicateOf):
        work.outcome = Outcome("Duplicate", f"The same content as receipt {claim.receipt_id}.", work.receipt.id)
        return False
    return True


def _media_type(data: bytes) -> str:
    """For the books only: what the content cannot be read as is said by the reader, with its reason."""
    try:
        return media_type_of(data)
    except UnreadableError:
        return "application/octet-stream"


def _step_of_text(work: Work, sha256: str) -> Step[DocumentText]:
    return Step(sha256, "extract_text", work.pipeline.reader.version, DocumentText)


def _read(work: Work, sha256: str, data: bytes) -> bool:
    reader: Reader = work.pipeline.reader
    results = work.pipeline.results
    step = _step_of_text(work, sha256)
    work.text, cached = step.durable(results, lambda: reader.extract(data))
    if not cached:
        work.preview = reader.preview(data)
        results.put(preview_key(sha256), work.preview, "image/jpeg")
    with work.pipeline.ledger.session() as session:
        books.note_progress(work.began(), f"extract_text/{step.version}", session=session)
    return cached


def preview_key(sha256: str) -> str:
    """Where the small upright picture of a receipt's first page lies, for people."""
    return f"{sha256}/preview.jpg"


def parse(work: Work) -> bool:
    """Words → fields. Returns whether they were durable before."""
    if work.text is None:
        raise RuntimeError("extract() comes before parse()")
    text = work.text
    llm = work.pipeline.llm
    version = f"{PARSER_VERSION}-{text.engine}-{text.engine_version}" + (f"-{llm.version}" if llm else "")
    # Read on the day it was received, whatever day it is now: a repeated step must give the same fields.
    today = latest_day(work.receipt.received_at)
    step = Step(text.sha256, "parse_receipt", version, ReceiptFields)
    work.fields, cached = step.durable(work.pipeline.results, lambda: _fields(work.pipeline, text, today, step.key))
    return cached


def _fields(pipeline: Pipeline, text: DocumentText, today: dt.date, key: str) -> ReceiptFields:
    """By the built-in parser, with a model's help where one is configured; its unusable answer is kept beside `key`."""
    if pipeline.llm is None:
        return parse_receipt(text, today=today)
    parsed = parse_with_llm(text, pipeline.llm, today=today)
    if parsed.problem:
        pipeline.results.put(unusable_answer_key(key), parsed.answer.encode(), "text/plain; charset=utf-8")
    return parsed.fields


def unusable_answer_key(fields_key: str) -> str:
    """Where a model's answer lies that could not be used for the fields at `fields_key`."""
    return f"{fields_key}.answer.txt"


def record(work: Work) -> bool:
    """Fields, or the refusal, → ledger, in one transaction. Returns whether that was recorded before."""
    if work.outcome is None:
        _record_once(work)
    # Outside that: where only this echo fails and is tried again, the outcome is not recorded a second time.
    work.pipeline.results.put_model(recorded_key(work), Recorded(**vars(work.ended())))
    work.untold = True
    return False


def _record_once(work: Work) -> None:
    attempt = work.began()
    subject = str(attempt.receipt_id)
    log_execution("started", "record_expense", subject)
    with work.pipeline.ledger.session() as session:
        outcome = _recorded(work, attempt, session)
    log_execution("durable", "record_expense", subject)
    work.outcome = outcome


def _recorded(work: Work, attempt: Attempt, session: Session) -> Outcome:
    if work.refusal is not None:
        code = type(work.refusal).__name__.removesuffix("Error")
        books.record_quarantine(attempt, str(work.refusal), code=code, session=session)
        return Outcome("Quarantined", str(work.refusal), attempt.receipt_id)
    if work.fields is None or work.text is None:
        raise RuntimeError("parse() comes before record()")
    extraction = books.Extraction(
        engine=work.text.engine,
        engine_version=work.text.engine_version,
        words_key=_step_of_text(work, work.text.sha256).key,
    )
    if work.fields.decision == "review":
        reasons = work.fields.reasons or ("The reading is unsure.",)
        books.record_review(attempt, work.fields, extraction, reasons=reasons, session=session)
        return Outcome("Review", "; ".join(reasons), attempt.receipt_id)
    books.record_expense(attempt, work.fields, extraction, session=session)
    return Outcome("Expensed", in_words(work.fields), attempt.receipt_id)


def recorded_key(work: Work) -> str:
    """Where the results bucket keeps what was recorded for this receipt. The ledger decides, this is its echo."""
    subject = work.text.sha256 if work.text else work.receipt.sha256 or "unread"
    return result_key(subject, "record_expense", str(work.receipt.id))


def in_words(fields: ReceiptFields) -> str:
    """Merchant, date, total and currency on one line."""
    parts = [found.value for found in (fields.merchant, fields.purchase_date, fields.total, fields.currency) if found]
    return " · ".join(str(part) for part in parts)
