"""A piece of a receipt's picture read again, for a person who has drawn a rectangle around it.

It runs where the models are, on a worker, by the engine that reads whole receipts. The answer lies in the results
bucket under its flow run's id until whoever asked has taken it; with the receipt it goes in any case.
"""

from __future__ import annotations

from uuid import UUID

from flows.domain.errors import UnreadableError
from flows.domain.fields import BBox
from flows.ledger.audit import results_are_owned
from flows.ledger.views import ReceiptView
from flows.pipeline.configuration import Pipeline
from flows.pipeline.region_reading import RegionReading, region_key
from flows.reading.reader import NoRegionError
from flows.storage import ObjectGoneError, ObjectReplacedError, ObjectVersion

_GONE = "The picture is not in its bucket any more, so nothing of it can be read again."


def read_piece(pipeline: Pipeline, receipt: ReceiptView, page: int, bbox: BBox) -> RegionReading:
    """Read a rectangle of a receipt's page.

    Args:
        pipeline: Its buckets and its reader.
        receipt: Whose picture.
        page: Counted from 1.
        bbox: In pixels of the upright page.

    Raises:
        TransientError: Storage is away.
    """
    version = ObjectVersion(receipt.bucket, receipt.key, receipt.etag, receipt.size_bytes, receipt.version_id)
    try:
        data = pipeline.inbox(receipt.bucket).read(version, max_bytes=pipeline.max_bytes)
        return RegionReading(words=pipeline.reader.read_region(data, page, bbox))
    except (ObjectGoneError, ObjectReplacedError):
        return RegionReading(problem=_GONE, status=404)
    except (NoRegionError, UnreadableError) as refusal:
        return RegionReading(problem=str(refusal), status=422)


def keep_answer(pipeline: Pipeline, receipt: ReceiptView, flow_run_id: UUID, reading: RegionReading) -> None:
    """Put the answer where it is waited for, unless the receipt was deleted meanwhile."""
    if receipt.sha256 is None:
        return
    key = region_key(receipt.sha256, flow_run_id)
    pipeline.results.put_model(key, reading)
    with pipeline.ledger.session() as session:
        is_owned = results_are_owned(receipt.sha256, session=session)
    if not is_owned:
        pipeline.results.remove([key])
