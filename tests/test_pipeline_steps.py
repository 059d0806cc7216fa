"""The four steps without Prefect, on a real ledger and real buckets: each finished step is executed once, each content
is one expense, and what cannot be read is quarantined with its reason."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image
from sqlmodel import delete, select

from deployments.samples import HOSTILE, render_hostile, render_samples
from flows.domain.errors import UnreadableError
from flows.domain.fields import DocumentText
from flows.domain.owners import owner_of
from flows.ledger.database import Ledger
from flows.ledger.errors import FencedError
from flows.ledger.expenses import all_expenses
from flows.ledger.receipts import delete_receipt, get_receipt, hold, mark_submitted, note_crash, receive
from flows.ledger.schema import ContentText, Receipt, Source, State
from flows.ledger.values import ReceivedObject
from flows.ledger.views import ReceiptView
from flows.pipeline import steps
from flows.pipeline.configuration import Pipeline
from flows.pipeline.durable_step import EXECUTION_LOG
from flows.pipeline.previews import preview_key
from flows.pipeline.searchable_texts import make_searchable
from flows.pipeline.steps import MissingObjectError, ReceiptRun, RunRequest
from flows.reading.documents import Limits
from flows.reading.reader import KeepPage, Reader, read_now
from flows.storage import Inbox, Results, StorageUnavailableError
from flows.sweep_inbox import SweepCounts, receive_unknown

LIMITS = Limits()


class CountingReader(Reader):
    """The real reader, counting how often it reads."""

    def __init__(self) -> None:
        super().__init__(engine="tesseract", limits=LIMITS)
        self.count = 0

    def extract(self, data: bytes, keep: KeepPage = read_now) -> DocumentText:
        self.count += 1
        return super().extract(data, keep)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    render_samples(folder, count=2)
    return folder


@pytest.fixture(scope="module")
def picture(samples: Path) -> bytes:
    return next(path for path in sorted(samples.iterdir()) if path.suffix in {".jpg", ".png"}).read_bytes()


@pytest.fixture
def pipeline(ledger: Ledger, s3_client: Any) -> Pipeline:
    return Pipeline(
        inbox_name="inbox",
        s3=s3_client,
        results=Results(s3_client, "results"),
        ledger=ledger,
        open_reader=CountingReader,
        max_bytes=LIMITS.max_bytes,
        notification=None,
    )


@pytest.fixture
def execution_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "executions"
    monkeypatch.setenv(EXECUTION_LOG, str(path))
    return path


def put(pipeline: Pipeline, body: bytes, owner: str = "acme", name: str | None = None) -> str:
    key = f"{owner}/{name or uuid4().hex}"
    pipeline.inbox().put(key, body)
    return key


def process(pipeline: Pipeline, key: str, *, flow_run_id: UUID | None = None, force: bool = False) -> ReceiptRun:
    """What the flow does, in its order."""
    done = ReceiptRun(RunRequest(key, None, owner_of(key), force, flow_run_id or uuid4()), pipeline)
    try:
        steps.extract(done)
        if not done.is_decided:
            steps.parse(done)
    except UnreadableError as refusal:
        done.refuse(refusal)
    if not done.is_decided:
        steps.record(done)
    return done


def receipt_of(pipeline: Pipeline, done: ReceiptRun) -> ReceiptView:
    with pipeline.ledger.session() as session:
        return get_receipt(done.receipt.id, session=session)


def expenses(pipeline: Pipeline, owner: str) -> list[Any]:
    with pipeline.ledger.session() as session:
        return list(all_expenses(owner=owner, session=session))


def reads(pipeline: Pipeline) -> int:
    assert isinstance(pipeline.reader, CountingReader)
    return pipeline.reader.count


def test_receipt_becomes_one_expense_or_a_question(pipeline: Pipeline, picture: bytes) -> None:
    done = process(pipeline, put(pipeline, picture))
    receipt = receipt_of(pipeline, done)
    assert receipt.state in {State.EXPENSED, State.REVIEW}
    assert len(expenses(pipeline, "acme")) == (receipt.state is State.EXPENSED)


def test_contents_that_were_read_before_there_was_a_search_are_brought_into_it(
    pipeline: Pipeline, picture: bytes
) -> None:
    process(pipeline, put(pipeline, picture))

    def texts() -> list[str]:
        with pipeline.ledger.session() as session:
            return list(session.exec(select(ContentText.text)))

    (printed,) = texts()
    assert printed
    with pipeline.ledger.session() as session:
        session.execute(delete(ContentText))
    assert (make_searchable(pipeline), texts()) == (1, [printed])
    assert make_searchable(pipeline) == 0


def test_finished_receipt_is_not_read_again(pipeline: Pipeline, picture: bytes) -> None:
    key = put(pipeline, picture)
    first, second = process(pipeline, key), process(pipeline, key)
    assert second.is_decided and receipt_of(pipeline, second).id == receipt_of(pipeline, first).id
    assert reads(pipeline) <= 1


def test_same_content_under_many_names_is_one_expense(pipeline: Pipeline, picture: bytes) -> None:
    runs = [process(pipeline, put(pipeline, picture)) for _ in range(3)]
    states = [receipt_of(pipeline, done).state for done in runs]
    assert states[1:] == [State.DUPLICATE] * 2
    assert len(expenses(pipeline, "acme")) <= 1
    assert receipt_of(pipeline, runs[2]).duplicate_of == runs[0].receipt.id


def test_owners_share_no_expense(pipeline: Pipeline, picture: bytes) -> None:
    mine, yours = process(pipeline, put(pipeline, picture, "mine")), process(pipeline, put(pipeline, picture, "yours"))
    assert receipt_of(pipeline, yours).state is receipt_of(pipeline, mine).state


def test_results_in_the_bucket_spare_the_reading_of_a_new_ledger(
    pipeline: Pipeline, picture: bytes, execution_log: Path
) -> None:
    body = picture + uuid4().bytes  # a content that no other test has read
    process(pipeline, put(pipeline, body, "first"))
    before = reads(pipeline)
    done = process(pipeline, put(pipeline, body, "second"))
    assert done.text is not None and reads(pipeline) == before
    steps = [line.split("\t")[1:3] for line in execution_log.read_text().splitlines()]
    assert steps.count(["durable", "extract_text"]) == 1


def test_resumed_attempt_goes_on_behind_the_finished_step(
    pipeline: Pipeline, picture: bytes, execution_log: Path
) -> None:
    key, run = put(pipeline, picture + uuid4().bytes), uuid4()
    cut_off = ReceiptRun(RunRequest(key, None, "acme", False, run), pipeline)
    steps.extract(cut_off)
    before = reads(pipeline)
    resumed = process(pipeline, key, flow_run_id=run)
    assert resumed.attempt.number == cut_off.attempt.number + 1
    assert reads(pipeline) == before
    with pytest.raises(FencedError):
        steps.parse(cut_off) and steps.record(cut_off)
        steps.record(cut_off)
    events = [line.split("\t")[1] for line in execution_log.read_text().splitlines() if "\trecord_expense\t" in line]
    assert events == ["started", "durable", "started", "fenced"], "what was refused does not count as executed"


def test_pages_of_a_document_are_durable_one_by_one(
    pipeline: Pipeline, samples: Path, execution_log: Path, s3_client: Any
) -> None:
    pages = [Image.open(path).convert("RGB") for path in sorted(samples.iterdir()) if path.suffix in {".jpg", ".png"}]
    buffer = io.BytesIO()
    pages[0].save(buffer, "PDF", save_all=True, append_images=[pages[0]] * 2)
    key, run = put(pipeline, buffer.getvalue() + uuid4().bytes), uuid4()
    object.__setattr__(pipeline, "results", FailingResults(s3_client, "results", after=2))
    cut_off = ReceiptRun(RunRequest(key, None, "acme", False, run), pipeline)
    with pytest.raises(StorageUnavailableError):
        steps.extract(cut_off)  # reading page 3 is over, and its result is not durable
    resumed = process(pipeline, key, flow_run_id=run)
    assert resumed.text is not None and len(resumed.text.pages) == 3
    lines = [line.split("\t") for line in execution_log.read_text().splitlines()]
    started = [line[4].rpartition("/")[2] for line in lines if line[1:3] == ["started", "read_page"]]
    assert started == ["1", "2", "3", "3"]
    assert not [one for one in _results_of(pipeline, resumed.text.sha256) if "/read_page/" in one]


def test_each_page_has_a_picture_for_people_which_comes_again_when_it_is_gone(
    pipeline: Pipeline, samples: Path
) -> None:
    first, second = (Image.open(path).convert("RGB") for path in sorted(samples.glob("*.jpg"))[:2])
    buffer = io.BytesIO()
    first.save(buffer, "PDF", save_all=True, append_images=[second])
    body = buffer.getvalue() + uuid4().bytes
    done = process(pipeline, put(pipeline, body, "first"))
    assert done.text is not None
    keys = [preview_key(done.text.sha256, number) for number in (1, 2)]
    pictures = [pipeline.results.get(key) for key in keys]
    assert all(pictures) and pictures[0] != pictures[1]
    pipeline.results.remove(keys[1:])  # as where a document was read before further pages had pictures
    before = reads(pipeline)
    process(pipeline, put(pipeline, body, "second"))
    assert reads(pipeline) == before
    assert [pipeline.results.get(key) for key in keys] == pictures


def test_a_single_page_has_no_result_beside_its_document(
    pipeline: Pipeline, picture: bytes, execution_log: Path
) -> None:
    done = process(pipeline, put(pipeline, picture + uuid4().bytes))
    assert done.text is not None
    assert "read_page" not in execution_log.read_text()


def test_deleting_a_receipt_whose_reading_was_cut_off_removes_its_pages(pipeline: Pipeline, s3_client: Any) -> None:
    buffer = io.BytesIO()
    page = Image.new("RGB", (400, 300), "white")
    page.save(buffer, "PDF", save_all=True, append_images=[page])
    body = buffer.getvalue() + uuid4().bytes
    object.__setattr__(pipeline, "results", FailingResults(s3_client, "results", after=1))
    cut_off = ReceiptRun(RunRequest(put(pipeline, body), None, "acme", False, uuid4()), pipeline)
    with pytest.raises(StorageUnavailableError):
        steps.extract(cut_off)
    sha256 = hashlib.sha256(body).hexdigest()
    assert len(_results_of(pipeline, sha256)) == 1
    with pipeline.ledger.session() as session:
        hold(cut_off.receipt.id, "cancelled", session=session)
        deletion = delete_receipt(cut_off.receipt.id, "asked for", session=session)
    assert deletion.results_sha256 == sha256, "all under it is removed"


def _results_of(pipeline: Pipeline, sha256: str) -> list[str]:
    return [key for key in pipeline.results.all_keys() if key.startswith(sha256)]


class FailingResults(Results):
    """The real results bucket, refusing one write, after so many that it takes."""

    def __init__(self, client: Any, bucket: str, after: int = 0) -> None:
        super().__init__(client, bucket)
        self.until_failure = after

    def put(self, key: str, body: bytes, content_type: str = "application/json") -> None:
        self.until_failure -= 1
        if self.until_failure == -1:
            raise StorageUnavailableError("S3 is away")
        super().put(key, body, content_type)


def test_write_of_a_result_that_fails_is_part_of_the_step(pipeline: Pipeline, picture: bytes, s3_client: Any) -> None:
    object.__setattr__(pipeline, "results", FailingResults(s3_client, "results"))
    key = put(pipeline, picture + uuid4().bytes)
    cut_off = ReceiptRun(RunRequest(key, None, "acme", False, uuid4()), pipeline)
    with pytest.raises(StorageUnavailableError):
        steps.extract(cut_off)
    assert steps.extract(cut_off) is False  # the retry of the same task: executed again, and durable now
    assert steps.extract(ReceiptRun(cut_off.request, pipeline)) is True


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    render_hostile(folder)
    return folder


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_what_cannot_be_read_is_quarantined_with_its_reason_and_kept(
    pipeline: Pipeline, hostile: Path, name: str
) -> None:
    object.__setattr__(pipeline, "reader", Reader(engine="auto", limits=LIMITS))
    body = (hostile / name).read_bytes()
    key = put(pipeline, body, name=name)
    receipt = receipt_of(pipeline, process(pipeline, key))
    assert receipt.state.value == HOSTILE[name]
    assert receipt.reason and receipt.reason[0].isupper()
    assert pipeline.inbox().read(pipeline.inbox().head(key), max_bytes=len(body)) == body


def test_asking_for_an_object_that_never_was_says_so(pipeline: Pipeline) -> None:
    with pytest.raises(MissingObjectError, match="Check the key"):
        process(pipeline, "acme/never-there.jpg")


def test_object_that_vanished_before_it_was_read_is_closed(pipeline: Pipeline, picture: bytes, s3_client: Any) -> None:
    key, run = put(pipeline, picture), uuid4()
    version = pipeline.inbox().head(key)
    received = ReceivedObject("inbox", key, version.etag, "acme", Source.SWEEP)
    with pipeline.ledger.session() as session:
        reception = receive(received, session=session)
        mark_submitted(reception.receipt_id, run, session=session)
    s3_client.delete_object(Bucket="inbox", Key=key)
    receipt = receipt_of(pipeline, process(pipeline, key, flow_run_id=run))
    assert receipt.state is State.QUARANTINED and "no longer in the bucket" in str(receipt.reason)


def test_object_that_vanished_between_claim_and_reading_leaves_its_content_to_the_same_picture(
    pipeline: Pipeline, picture: bytes, s3_client: Any
) -> None:
    body = picture + uuid4().bytes
    key, run = put(pipeline, body), uuid4()
    cut_off = ReceiptRun(RunRequest(key, None, "acme", False, run), pipeline)
    steps._begin(cut_off)
    assert steps._claim(cut_off, hashlib.sha256(body).hexdigest(), body)
    twin = process(pipeline, put(pipeline, body))
    assert receipt_of(pipeline, twin).state is State.DUPLICATE
    version = cut_off.receipt.version_id
    s3_client.delete_object(Bucket="inbox", Key=key, **({"VersionId": version} if version else {}))
    gone = process(pipeline, key, flow_run_id=run)
    assert (receipt_of(pipeline, gone).state, gone.outcome.name) == (State.QUARANTINED, State.QUARANTINED)
    assert receipt_of(pipeline, twin).state is State.WAITING
    again = process(pipeline, twin.request.key)
    assert receipt_of(pipeline, again).state in {State.EXPENSED, State.REVIEW}


@pytest.mark.parametrize("last_step", ["extract", "parse"])
def test_process_whose_receipt_was_deleted_meanwhile_leaves_no_results(
    pipeline: Pipeline, picture: bytes, s3_client: Any, last_step: str
) -> None:
    body = picture + uuid4().bytes
    sha256 = hashlib.sha256(body).hexdigest()
    late = ReceiptRun(RunRequest(put(pipeline, body), None, "acme", False, uuid4()), pipeline)
    steps._begin(late)
    assert steps._claim(late, sha256, body)
    if last_step == "parse":
        steps._read(late, sha256, body)
        steps.parse(late)
    with pipeline.ledger.session() as session:
        hold(late.receipt.id, "cancelled", session=session)
        delete_receipt(late.receipt.id, "asked for", session=session)
    with pytest.raises(FencedError):
        steps._read(late, sha256, body) if last_step == "extract" else steps.record(late)
    assert s3_client.list_objects_v2(Bucket="results", Prefix=f"{sha256}/")["KeyCount"] == 0


def test_poison_is_quarantined_after_three_crashes(pipeline: Pipeline, picture: bytes) -> None:
    key, run = put(pipeline, picture + uuid4().bytes), uuid4()
    before = reads(pipeline)
    for _ in range(steps.CRASHES_BEFORE_QUARANTINE):
        crashed = ReceiptRun(RunRequest(key, None, "acme", False, run), pipeline)
        steps._begin(crashed)
        with pipeline.ledger.session() as session:
            note_crash(crashed.receipt.id, crashed.attempt.number, "SIGSEGV", counts=True, session=session)
    receipt = receipt_of(pipeline, process(pipeline, key, flow_run_id=run))
    assert receipt.state is State.QUARANTINED and "ended its process 3 times" in str(receipt.reason)
    assert reads(pipeline) == before


@pytest.fixture(autouse=True)
def _close(pipeline: Pipeline) -> Iterator[None]:
    yield
    pipeline.ledger.close()


def test_sweeping_finds_a_version_that_was_overwritten(pipeline: Pipeline) -> None:
    prefix = f"over/{uuid4().hex}/"
    for body in (b"first", b"second"):
        pipeline.inbox().put(f"{prefix}a", body)
    pipeline.inbox().put(f"{prefix}b", b"other")
    listed = [version for page in pipeline.inbox().pages(prefix, page_size=1) for version in page]
    assert sorted(version.key for version in listed) == [f"{prefix}a", f"{prefix}a", f"{prefix}b"]
    assert {pipeline.inbox().read(version, max_bytes=99) for version in listed} == {b"first", b"second", b"other"}


def test_sweeping_receives_overwritten_versions_that_the_listing_of_all_leaves_out(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SeaweedFS lists "x-b/1" behind "x/1", and leaves it out of a page that begins there."""
    folder = f"over/{uuid4().hex}"
    keys = [f"{folder}/x{tail}" for tail in ("/1", "/2", "-b/1", "-b/2", ".jpg")]
    versions = {pipeline.inbox().put(key, body).version_id for key in keys for body in (b"first", b"second")}
    pages = Inbox.pages
    monkeypatch.setattr(Inbox, "pages", lambda inbox, prefix: pages(inbox, prefix, page_size=3))
    counts = SweepCounts()
    asyncio.run(receive_unknown(pipeline, counts, bucket=None, prefix=folder))
    with pipeline.ledger.session() as session:
        known = set(session.exec(select(Receipt.version_id)))
    assert versions <= known
    assert counts.received == len(versions)
