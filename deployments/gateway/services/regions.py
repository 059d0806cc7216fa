"""A piece of a picture read again for a person who waits: a run of `read-region/region`, and its answer.

The gateway has no OCR models, and loading them beside it would cost as much memory as a worker. The worker has them
warm, reads with the engine that the pipeline's block names, and answers through the results bucket.
"""

from __future__ import annotations

import asyncio
import logging

from deployments.gateway.http.problems import RefusedError
from deployments.gateway.services.orchestrator import Orchestrator
from flows.domain.fields import BBox
from flows.flow_runs.submission import OrchestratorUnavailableError
from flows.ledger.views import ReceiptView
from flows.pipeline.region_reading import RegionReading, region_key
from flows.storage import Results

DEPLOYMENT = "read-region/region"
_log = logging.getLogger("receiptflow.gateway")
_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.15
_AWAY = "Nothing can be read again just now, as Prefect does not answer. Type the value, or try again later."
_BUSY = "The readers are busy with other receipts. Type the value, or try again in a minute."
_NOT_READ = "This receipt was not read yet, so it has no page to draw on; wait until it was, or read it again."


async def read_region(
    orchestrator: Orchestrator, results: Results, receipt: ReceiptView, page: int, bbox: BBox
) -> RegionReading:
    """The words in a rectangle of a receipt's page, in pixels of the upright page.

    Raises:
        RefusedError: 409 the receipt was not read yet; 404 its picture is gone; 422 the rectangle holds nothing of the
            page, or the picture cannot be read; 503 Prefect is away or all workers are busy.
    """
    if receipt.sha256 is None or receipt.content_id is None:
        raise RefusedError(409, _NOT_READ)
    sides = dict(zip(("left", "top", "right", "bottom"), bbox, strict=True))
    parameters = {"receipt": str(receipt.id), "page": page, "answer": True, **sides}
    try:
        run = await orchestrator.start(DEPLOYMENT, parameters)
    except OrchestratorUnavailableError as error:
        _log.warning("a region is not read again: %s", error)
        raise RefusedError(503, _AWAY, {"Retry-After": "5"}) from error
    reading = await _answer(results, region_key(receipt.sha256, run))
    if reading.problem:
        raise RefusedError(reading.status, reading.problem)
    return reading


async def _answer(results: Results, key: str) -> RegionReading:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while (kept := await asyncio.to_thread(results.get, key)) is None:  # noqa: ASYNC110  # S3 tells nobody
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        raise RefusedError(503, _BUSY, {"Retry-After": "30"}) from error
    await asyncio.to_thread(results.remove, [key])
    return RegionReading.model_validate_json(kept)
