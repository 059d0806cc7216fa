"""The four steps of one receipt as plain functions over a `ReceiptRun`, callable and tested without Prefect.

Order: `extract` (receive, begin the attempt, claim the content, OCR), `parse`, `record`, `notify`. Each can be run
again at any time: what is durable is loaded, what is recorded is found.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from sqlmodel import Session

from flows.domain.errors import ReceiptflowError, UnreadableError
from flows.domain.fields import DocumentText, ReceiptFields
from flows.domain.review_reasons import ReviewReason
from flows.ledger.audit import results_are_owned
from flows.ledger.errors import DELETED, FencedError
from flows.ledger.receipts import (
    begin_attempt,
    claim_content,
    get_receipt,
    note_progress,
    receipt_of_flow_run,
    receive,
    record_expense,
    record_quarantine,
    record_review,
)
from flows.ledger.rules import apply_rules
from flows.ledger.schema import Source, State
from flows.ledger.values import (
    AlreadyFinal,
    Attempt,
    Busy,
    DuplicateOf,
    Extraction,
    ReceivedObject,
    SamePurchase,
    Settled,
)
from flows.ledger.views import ReceiptView
from flows.pipeline.configuration import Pipeline
from flows.pipeline.durable_step import Step, log_execution
from flows.pipeline.llm_parser import parse_with_llm
from flows.pipeline.page_results import PageResults
from flows.pipeline.previews import preview_key
from flows.pipeline.process_identity import process_is_gone, this_process
from flows.pipeline.run_outcome import ALREADY_RUNNING, Outcome
from flows.reading.documents import media_type_of
from flows.reading.parser import PARSER_VERSION, latest_day, parse_receipt
from flows.reading.reader import Reader
from flows.storage import Inbox, ObjectGoneError, ObjectVersion

CRASHES_BEFORE_QUARANTINE = 3
# A kill -9 is the kernel's answer to exhausted memory, but also an operator's to anything: it proves less.
KILLS_BEFORE_QUARANTINE = 5


class PoisonError(UnreadableError):
    """The receipt killed or hung its process each time it was tried."""


class MissingObjectError(ReceiptflowError):
    """The flow was asked for an object that is not in the bucket and never was received."""


@dataclass(frozen=True)
class RunRequest:
    """What a flow run was asked to do."""

    key: str
    bucket: str | None
    owner: str
    force: bool
    flow_run_id: UUID
    retried: bool = False


class ReceiptRun:
    """One receipt on its way through the steps.

    A plain object on purpose: Prefect walks through the fields of dataclasses and models that are passed to tasks,
    which for a receipt's thousands of words costs more than the task.
    """

    def __init__(self, request: RunRequest, pipeline: Pipeline) -> None:
        self.request = request
        self.pipeline = pipeline
        self.inbox: Inbox = pipeline.inbox(request.bucket)
        self.known: ReceiptView | None = None
        self.text: DocumentText | None = None
        self.preview: bytes | None = None  # kept from reading, else in the results bucket
        self.fields: ReceiptFields | None = None
        self.refusal: UnreadableError | None = None
        self.has_unsent = False
        self._attempt: Attempt | None = None
        self._outcome: Outcome | None = None

    @property
    def receipt(self) -> ReceiptView:
        """The receipt as it was when the attempt began."""
        if self.known is None:
            raise RuntimeError("extract() receives the object and comes first")
        return self.known

    @property
    def attempt(self) -> Attempt:
        """The attempt that this run has begun; raises if `extract` has not begun one."""
        if self._attempt is None:
            raise RuntimeError("extract() begins the attempt and comes first")
        return self._attempt

    @attempt.setter
    def attempt(self, attempt: Attempt) -> None:
        self._attempt = attempt

    @property
    def has_attempt(self) -> bool:
        """Whether `extract` has begun an attempt."""
        return self._attempt is not None

    @property
    def outcome(self) -> Outcome:
        """How this run ended; raises if it has not."""
        if self._outcome is None:
            raise RuntimeError("record() decides the outcome and comes first")
        return self._outcome

    @outcome.setter
    def outcome(self, outcome: Outcome) -> None:
        self._outcome = outcome

    @property
    def is_decided(self) -> bool:
        """Whether nothing is left to do: a duplicate, done before, or another run is at it."""
        return self._outcome is not None

    def refuse(self, refusal: UnreadableError) -> None:
        """Take a refusal to be recorded; raised again if nothing was received that it could be recorded on."""
        if not self.has_attempt:
            raise refusal
        self.refusal = refusal


def extract(run: ReceiptRun) -> bool:
    """Object → words. Returns whether they were durable before, so that no OCR was done."""
    if not run.has_attempt:
        _begin(run)
    if run.is_decided:
        return False
    known = run.receipt.sha256
    if known and (text := _step_of_text(run, known).load(run.pipeline.results)):
        run.text = text
        return True
    data = run.pipeline.inbox(run.receipt.bucket).read(_version(run.receipt), max_bytes=run.pipeline.max_bytes)
    sha256 = hashlib.sha256(data).hexdigest()
    if not _claim(run, sha256, data):
        return False
    return _read(run, sha256, data)


def _begin(run: ReceiptRun) -> None:
    """Begin an attempt on the receipt that this run is for, unless there is nothing to do."""
    receipt_id = _receipt_of(run)
    with run.pipeline.ledger.session() as session:
        begun = begin_attempt(
            receipt_id,
            run.request.flow_run_id,
            this_process(),
            process_is_gone=process_is_gone,
            force=run.request.force,
            retried=run.request.retried,
            session=session,
        )
        run.known = get_receipt(receipt_id, session=session)
    if isinstance(begun, Attempt):
        run.attempt = begun
        _refuse_poison(run.known)
    else:
        run.outcome = _outcome_of(begun, run.known)
        run.has_unsent = isinstance(begun, AlreadyFinal) and begun.unsent > 0


def _receipt_of(run: ReceiptRun) -> UUID:
    """The receipt that this run was submitted for; else the object's present version, received if it is new."""
    with run.pipeline.ledger.session() as session:
        submitted = receipt_of_flow_run(run.request.flow_run_id, session=session)
    if submitted is not None:
        return submitted.id
    try:
        version = run.inbox.head(run.request.key)
    except ObjectGoneError as error:
        raise MissingObjectError(f"{error} Check the key and the bucket.") from error
    with run.pipeline.ledger.session() as session:
        received = ReceivedObject.of(version, Source.FLOW, owner=run.request.owner)
        return receive(received, session=session).receipt_id


def _outcome_of(begun: AlreadyFinal | Busy, receipt: ReceiptView) -> Outcome:
    if isinstance(begun, Busy):
        return Outcome(ALREADY_RUNNING, f"Flow run {begun.flow_run_id} is working on this receipt.", receipt.id)
    mine = "" if receipt.state is State.DUPLICATE or begun.unsent else "Done before: "
    return Outcome(begun.state, f"{mine}{begun.reason or receipt.key}", receipt.id)


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


def _claim(run: ReceiptRun, sha256: str, data: bytes) -> bool:
    """Take the content for this receipt; False if another receipt has it, which makes this one a duplicate."""
    with run.pipeline.ledger.session() as session:
        claim = claim_content(run.attempt, sha256, size_bytes=len(data), media_type=_media_type(data), session=session)
    if isinstance(claim, DuplicateOf):
        run.outcome = Outcome(State.DUPLICATE, f"The same content as receipt {claim.receipt_id}.", run.receipt.id)
        return False
    return True


def _media_type(data: bytes) -> str:
    """For the ledger only; why a content cannot be read is said by the reader."""
    try:
        return media_type_of(data)
    except UnreadableError:
        return "application/octet-stream"


def _step_of_text(run: ReceiptRun, sha256: str) -> Step[DocumentText]:
    return Step(sha256, "extract_text", run.pipeline.reader.version, DocumentText)


def _read(run: ReceiptRun, sha256: str, data: bytes) -> bool:
    reader: Reader = run.pipeline.reader
    results = run.pipeline.results
    step = _step_of_text(run, sha256)
    pages = PageResults(results, sha256, step.version, partial(_note_progress, run))
    with _removed_if_deleted(run, sha256):
        run.text, cached = step.durable(results, lambda: reader.extract(data, pages.durable))
        if not cached or results.get(preview_key(sha256, run.text.pages[-1].number)) is None:
            _put_previews(run, sha256, data, [page.number for page in run.text.pages])
        _note_progress(run, f"extract_text/{step.version}")
    pages.remove()
    return cached


def _put_previews(run: ReceiptRun, sha256: str, data: bytes, pages: Sequence[int]) -> None:
    """The pictures of all pages for people, the last one last: where that is, so are the others."""
    for page in pages:
        preview = run.pipeline.reader.preview(data, page=page)
        run.pipeline.results.put(preview_key(sha256, page), preview, "image/jpeg")
        if page == 1:
            run.preview = preview


def _note_progress(run: ReceiptRun, step: str) -> None:
    with run.pipeline.ledger.session() as session:
        note_progress(run.attempt, step, session=session)


@contextmanager
def _removed_if_deleted(run: ReceiptRun, sha256: str) -> Iterator[None]:
    """Remove what this process wrote for a receipt that was deleted meanwhile, its attempt having been given up."""
    try:
        yield
    except FencedError as error:
        if error.found == DELETED:
            with run.pipeline.ledger.session() as session:
                if not results_are_owned(sha256, session=session):
                    run.pipeline.results.remove_all(f"{sha256}/")
        raise


def parse(run: ReceiptRun) -> bool:
    """Words → fields. Returns whether they were durable before."""
    if run.text is None:
        raise RuntimeError("extract() comes before parse()")
    text = run.text
    llm = run.pipeline.llm
    version = f"{PARSER_VERSION}-{text.engine}-{text.engine_version}" + (f"-{llm.version}" if llm else "")
    # Read on the day it was received, whatever day it is now: a repeated step must give the same fields.
    today = latest_day(run.receipt.received_at)
    step = Step(text.sha256, "parse_receipt", version, ReceiptFields)
    run.fields, cached = step.durable(run.pipeline.results, lambda: _fields(run.pipeline, text, today, step.key))
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


def record(run: ReceiptRun) -> bool:
    """Fields, or the refusal, → ledger, in one transaction. Returns whether that was recorded before."""
    if not run.is_decided:
        _record_once(run)
    run.has_unsent = True
    return False


def _record_once(run: ReceiptRun) -> None:
    attempt = run.attempt
    subject = str(attempt.receipt_id)
    log_execution("started", "record_expense", subject)
    try:
        with ExitStack() as stack:
            if run.text is not None:
                stack.enter_context(_removed_if_deleted(run, run.text.sha256))
            outcome = _recorded(run, attempt, stack.enter_context(run.pipeline.ledger.session()))
    except FencedError:
        log_execution("fenced", "record_expense", subject)  # nothing was executed
        raise
    log_execution("durable", "record_expense", subject)
    run.outcome = outcome


def _recorded(run: ReceiptRun, attempt: Attempt, session: Session) -> Outcome:
    if run.refusal is not None:
        return _refused(run.refusal, attempt, session)
    if run.fields is None or run.text is None:
        raise RuntimeError("parse() comes before record()")
    run.fields = apply_rules(run.receipt.owner, run.fields, run.text.plain, session=session)
    extraction = Extraction(
        engine=run.text.engine,
        engine_version=run.text.engine_version,
        words_key=_step_of_text(run, run.text.sha256).key,
        text=run.text.plain,
    )
    if run.fields.decision == "review":
        reasons = run.fields.reasons or (ReviewReason.UNSURE.says(),)
        settled = record_review(attempt, run.fields, extraction, reasons=reasons, session=session)
        in_review = Outcome(State.REVIEW, "; ".join(reasons), attempt.receipt_id)
        return _as_settled(settled, attempt) if settled else in_review
    recorded = record_expense(attempt, run.fields, extraction, session=session)
    if isinstance(recorded, SamePurchase):
        return Outcome(State.REVIEW, recorded.reason, attempt.receipt_id)
    if isinstance(recorded, Settled):
        return _as_settled(recorded, attempt)
    return Outcome(State.EXPENSED, in_words(run.fields), attempt.receipt_id)


def _refused(refusal: UnreadableError, attempt: Attempt, session: Session) -> Outcome:
    code = type(refusal).__name__.removesuffix("Error")
    settled = record_quarantine(attempt, str(refusal), code=code, session=session)
    return _as_settled(settled, attempt) if settled else Outcome(State.QUARANTINED, str(refusal), attempt.receipt_id)


def _as_settled(settled: Settled, attempt: Attempt) -> Outcome:
    return Outcome(settled.state, settled.reason or "As a person decided before.", attempt.receipt_id)


def in_words(fields: ReceiptFields) -> str:
    """Merchant, date, total and currency on one line."""
    parts = [found.value for found in (fields.merchant, fields.purchase_date, fields.total, fields.currency) if found]
    return " · ".join(str(part) for part in parts)
