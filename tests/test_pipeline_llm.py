"""The parse step with a language model configured: asked once, its unusable answer kept, its outages retried."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from llm_server import GOOD, Misbehaving, misbehaving_server
from ocr_pages import jpeg, receipt

from blocks import LlmParser
from flows.domain.errors import TransientError
from flows.ledger.database import Ledger
from flows.ledger.receipts import get_receipt
from flows.ledger.schema import State
from flows.pipeline import steps
from flows.pipeline.configuration import Pipeline, endpoint_of
from flows.pipeline.steps import ReceiptRun, RunRequest
from flows.reading.documents import Limits
from flows.reading.reader import Reader
from flows.storage import Results


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    with misbehaving_server() as running:
        yield running


@pytest.fixture
def pipeline(ledger: Ledger, s3_client: Any, server: Misbehaving) -> Pipeline:
    block = LlmParser(base_url=f"http://127.0.0.1:{server.server_port}/v1", model="m", max_retries=0)
    return Pipeline(
        inbox_name="inbox",
        s3=s3_client,
        results=Results(s3_client, "results"),
        ledger=ledger,
        open_reader=partial(Reader, engine="tesseract", limits=Limits()),
        max_bytes=Limits().max_bytes,
        notification=None,
        llm=endpoint_of(block),
    )


def extracted(pipeline: Pipeline) -> ReceiptRun:
    """A receipt with its words, before the parse step."""
    key = f"acme/{uuid4().hex}"
    pipeline.inbox().put(key, jpeg(receipt()) + uuid4().bytes)  # a content that no other test has read
    done = ReceiptRun(RunRequest(key, None, "acme", False, uuid4()), pipeline)
    steps.extract(done)
    return done


def step_keys(pipeline: Pipeline, done: ReceiptRun) -> list[str]:
    assert done.text is not None
    return [key for key in pipeline.results.all_keys() if key.startswith(f"{done.text.sha256}/parse_receipt/")]


def test_an_unusable_answer_is_kept_and_leaves_the_built_in_result_in_review(
    pipeline: Pipeline, server: Misbehaving
) -> None:
    server.script = [(200, {}, "I would say 10.90")]
    done = extracted(pipeline)
    assert steps.parse(done) is False
    assert steps.parse(done) is True  # durable: the model is not asked again
    steps.record(done)
    assert len(server.requests) == 1
    assert done.fields is not None and str(done.fields.total and done.fields.total.value) == "10.90"
    (answer_key,) = [key for key in step_keys(pipeline, done) if key.endswith(".answer.txt")]
    assert pipeline.results.get(answer_key) == b"I would say 10.90"
    with pipeline.ledger.session() as session:
        recorded = get_receipt(done.receipt.id, session=session)
    assert recorded.state is State.REVIEW and "model's answer was not usable" in (recorded.reason or "")


def test_an_outage_is_transient_and_the_next_try_finishes(pipeline: Pipeline, server: Misbehaving) -> None:
    server.script = [(503, {}, "down"), (200, {}, {**GOOD, "total": "99.99"})]
    done = extracted(pipeline)
    with pytest.raises(TransientError, match="503"):
        steps.parse(done)
    assert step_keys(pipeline, done) == []
    assert steps.parse(done) is False
    assert done.fields is not None and done.fields.decision == "review"
    assert any("99.99, which is not printed" in reason for reason in done.fields.reasons)


def test_fields_read_with_a_model_are_not_those_read_without(pipeline: Pipeline, server: Misbehaving) -> None:
    server.script = [(200, {}, "no")]
    done = extracted(pipeline)
    steps.parse(done)
    object.__setattr__(pipeline, "llm", None)
    assert steps.parse(done) is False
    assert len([key for key in step_keys(pipeline, done) if key.endswith(".json")]) == 2
