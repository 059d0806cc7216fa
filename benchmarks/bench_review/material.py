"""The receipts of folders with truth, handed in and read as in operation: bucket, words, fields, ledger.

With kept words nothing is read by OCR again; everything behind it is the pipeline's own steps.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from PIL import Image

from benchmarks.accuracy import kept_words
from deployments.s3 import s3_client
from deployments.settings import GatewaySettings
from flows.domain.errors import UnreadableError
from flows.domain.fields import DocumentText
from flows.ledger.database import Ledger
from flows.pipeline import steps
from flows.pipeline.configuration import Pipeline
from flows.pipeline.steps import ReceiptRun, RunRequest
from flows.reading.accuracy import load_truth
from flows.reading.documents import open_document
from flows.reading.reader import KeepPage, Reader, read_now
from flows.storage import Results

OWNER = "reviewers"
_MAX_BYTES = 50_000_000


@dataclass(frozen=True)
class Material:
    """One receipt that was handed in: its file, the truth of it, and the state that it came to."""

    file: str
    truth: dict[str, Any]
    state: str


class KeptReader(Reader):
    """Takes words that an earlier reading left, and reads those that it did not."""

    def __init__(self, words: Path) -> None:
        super().__init__("auto")
        self._take = kept_words(super().extract, words / "auto")

    @property
    def version(self) -> str:
        """Of the extract step; the words name the engine that they are of."""
        return "kept"

    def extract(self, data: bytes, keep: KeepPage = read_now) -> DocumentText:
        """The words as kept."""
        del keep
        return self._take(data)

    def preview(self, data: bytes, max_height: int = 900, page: int = 1) -> bytes:
        """A page, turned as its words say, without asking the engine."""
        read = self.extract(data).pages[page - 1]
        picture = open_document(data, self.limits, page=page).pages[0].image.convert("RGB")
        if (picture.width > picture.height) != (read.width > read.height):
            picture = picture.transpose(Image.Transpose.ROTATE_90)
        picture.thumbnail((max_height, max_height))
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG")
        return buffer.getvalue()


@contextmanager
def pipeline_of(settings: GatewaySettings, ledger: Ledger, words: Path | None) -> Iterator[Pipeline]:
    """A pipeline over the gateway's buckets."""
    client = s3_client(settings, settings.s3_endpoint_url)
    reader = KeptReader(words) if words else Reader("auto")
    yield Pipeline(
        inbox_name=settings.inbox_bucket,
        s3=client,
        results=Results(client, settings.results_bucket),
        ledger=ledger,
        open_reader=lambda: reader,
        max_bytes=_MAX_BYTES,
        notification=None,
    )


def hand_in(pipeline: Pipeline, folder: Path) -> dict[UUID, Material]:
    """Put a folder's receipts into the inbox and take each through the steps, in the order of their names."""
    found = {}
    for file, truth in load_truth(folder).items():
        key = f"{OWNER}/{folder.name}/{file}"
        pipeline.inbox().put(key, (folder / file).read_bytes())
        run = _run(pipeline, key)
        found[run.outcome.receipt_id] = Material(f"{folder.name}/{file}", truth, str(run.outcome.name).lower())
    return found


def _run(pipeline: Pipeline, key: str) -> ReceiptRun:
    run = ReceiptRun(RunRequest(key, None, OWNER, force=False, flow_run_id=uuid4()), pipeline)
    try:
        steps.extract(run)
        if not run.is_decided:
            steps.parse(run)
    except UnreadableError as refusal:
        run.refuse(refusal)
    steps.record(run)
    return run
