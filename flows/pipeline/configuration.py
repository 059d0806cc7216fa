"""What a flow works with, made from its blocks: loaded once a process and used again by every run in it.

Needs the block `receipt-pipeline/default`, which the embedded stack provisions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any

from prefect_aws.s3 import S3Bucket
from pydantic import ValidationError

from blocks import LlmParser, OcrEngine, ReceiptPipeline
from flows.domain.errors import ConfigurationError
from flows.ledger.database import Ledger, open_ledger
from flows.pipeline.llm_parser import LlmEndpoint
from flows.storage import Inbox, Results

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

    from flows.reading.reader import Reader

PIPELINE_BLOCK = "default"
# A changed block takes effect in warm processes after this time; loading costs four requests to the server.
REFRESH_SECONDS = 30.0


@dataclass(frozen=True)
class Pipeline:
    """The opened parts of a pipeline. Safe to share between the threads of a process."""

    inbox_name: str
    s3: Any
    results: Results
    ledger: Ledger
    open_reader: Callable[[], Reader]
    max_bytes: int
    notification: str | None
    llm: LlmEndpoint | None = None
    public_url: str = ""

    @cached_property
    def reader(self) -> Reader:
        """What turns bytes into words; opened at first use, as sweeping and reconciling read nothing."""
        return self.open_reader()

    def inbox(self, bucket: str | None = None) -> Inbox:
        """The bucket that receipts are read from: the inbox block's unless another is named."""
        return Inbox(self.s3, bucket or self.inbox_name)


@lru_cache(maxsize=4)
def _reader(engine: str, languages: tuple[str, ...], max_bytes: int, max_pixels: int, max_pages: int) -> Reader:
    from flows.reading.documents import Limits  # noqa: PLC0415  # 33 MB of libraries, for those that read
    from flows.reading.reader import Reader  # noqa: PLC0415

    limits = Limits(max_bytes=max_bytes, max_pixels=max_pixels, max_pages=max_pages)
    return Reader(engine=engine, limits=limits, languages=languages)


@lru_cache(maxsize=4)
def _ledger(url: str) -> Ledger:
    return open_ledger(url)


def reader_of(ocr: OcrEngine) -> Reader:
    """The reader that a block describes; models are loaded once a process."""
    return _reader(ocr.engine, ocr.languages, ocr.max_bytes, ocr.max_pixels, ocr.max_pages)


def endpoint_of(llm: LlmParser) -> LlmEndpoint:
    """The endpoint that a block describes."""
    return LlmEndpoint(
        base_url=llm.base_url,
        api_key=llm.api_key.get_secret_value(),
        model=llm.model,
        timeout_seconds=llm.timeout_seconds,
        max_retries=llm.max_retries,
    )


def open_pipeline(block: ReceiptPipeline, inbox: S3Bucket, results: S3Bucket, llm: LlmParser | None = None) -> Pipeline:
    """Open what a pipeline block and its buckets describe."""
    if inbox.bucket_name == results.bucket_name:
        raise ConfigurationError("The pipeline's inbox and results are the same bucket; results need one of their own.")
    return Pipeline(
        inbox_name=inbox.bucket_name,
        s3=inbox.credentials.get_client("s3"),
        results=Results(results.credentials.get_client("s3"), results.bucket_name),
        ledger=_ledger(block.database.url.get_secret_value()),
        open_reader=partial(reader_of, block.ocr),
        max_bytes=block.ocr.max_bytes,
        notification=block.notification,
        llm=endpoint_of(llm) if llm else None,
        public_url=block.public_url,
    )


class _Loaded:
    """The process's pipeline and when it was loaded (monotonic seconds)."""

    pipeline: Pipeline | None = None
    at: float = 0.0


async def load_pipeline(client: PrefectClient | None = None) -> Pipeline:
    """The pipeline of block `receipt-pipeline/default`, at most `REFRESH_SECONDS` old.

    A long-lived process outside of flow runs passes its client: a new one, with a TLS context of its own, would be made
    for each block otherwise, which holds up its event loop.
    """
    if _Loaded.pipeline is None or time.monotonic() - _Loaded.at > REFRESH_SECONDS:
        _Loaded.pipeline = await _load(client)
        _Loaded.at = time.monotonic()
    return _Loaded.pipeline


async def _load(client: PrefectClient | None) -> Pipeline:
    try:
        block: ReceiptPipeline = await ReceiptPipeline.aload(PIPELINE_BLOCK, client=client)
        inbox = await S3Bucket.aload(block.inbox, client=client)
        results = await S3Bucket.aload(block.results, client=client)
        llm: LlmParser | None = await LlmParser.aload(block.llm, client=client) if block.llm else None
    except ValueError as error:
        raise ConfigurationError(
            f"The block receipt-pipeline/{PIPELINE_BLOCK}, or a block that it names, is missing or incomplete: "
            f"start the stack with `receiptflow up`, or make the block in the Prefect UI. ({error})"
        ) from error
    except RuntimeError as error:  # so Prefect says that a block does not hold what its class takes
        if not isinstance(error.__cause__, ValidationError):
            raise
        raise ConfigurationError(
            f"A block of the pipeline receipt-pipeline/{PIPELINE_BLOCK} holds what it may not: correct it in the "
            f"Prefect UI. ({error.__cause__})"
        ) from error
    return open_pipeline(block, inbox, results, llm)
