"""So many receipts through the real flow without their OCR: the words of one receipt, read once, lie in the results
bucket under each new content's hash, with another day, so that the step that reads finds them done.

Everything else is as always: object, bucket event, gateway, Prefect's run with its four tasks, ledger, notifications,
artifacts.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench.material import Receipts
from benchmarks.bench.observed import TooSlowError
from benchmarks.bench.system import System

if TYPE_CHECKING:
    from flows.domain.fields import DocumentText

_PUTTERS = 12
_DAYS = 180  # before today, so that no date is doubted; a purchase's day and owner are its own
_DATE = re.compile(r"\b\d{2}\.\d{2}\.\d{4}\b")
_DONE = "SELECT count(*) FROM receipts WHERE finished_at IS NOT NULL"
_POLL_SECONDS = 2.0


@dataclass(frozen=True)
class Model:
    """One receipt, as it was read."""

    picture: bytes
    text: DocumentText
    preview: bytes
    text_version: str


def read_once(folder: Path) -> Model:
    """Render one sample and read it with the engine that the stack has."""
    from flows.reading.reader import Reader  # noqa: PLC0415 - the engine's models take a second to load

    (picture,) = Receipts(folder).batch(1, mixed=False)
    reader = Reader()
    text = reader.extract(picture)
    if not any(_DATE.search(word.text) for page in text.pages for word in page.words):
        raise RuntimeError("no date was read on the sample, so no two receipts would be two purchases")
    return Model(picture, text, reader.preview(picture), reader.version)


def fill(system: System, model: Model, count: int, *, seconds: float) -> None:
    """Put so many receipts in and return when each is processed."""
    with ThreadPoolExecutor(_PUTTERS) as putters:
        list(putters.map(lambda number: _put(system, model, number), range(count)))
    _await(system, count, seconds)


def _await(system: System, count: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (done := system.database.execute(_DONE).fetchone() or (0,))[0] < count:
        system.require_alive()
        if time.monotonic() > deadline:
            raise TooSlowError(f"{done[0]} of {count} receipts were processed after {seconds:.0f} s")
        time.sleep(_POLL_SECONDS)


def _put(system: System, model: Model, number: int) -> None:
    from flows.pipeline.durable_step import result_key  # noqa: PLC0415 - imports Prefect after the stack's environment
    from flows.pipeline.previews import preview_key  # noqa: PLC0415

    body = model.picture + number.to_bytes(8, "big")
    sha256 = hashlib.sha256(body).hexdigest()
    day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1 + number % _DAYS)
    words = _on(model.text, sha256, day).model_dump_json(exclude_defaults=True).encode()
    key = result_key(sha256, "extract_text", model.text_version)
    system.s3.put_object(Bucket="results", Key=key, Body=words, ContentType="application/json")
    system.s3.put_object(Bucket="results", Key=preview_key(sha256), Body=model.preview, ContentType="image/jpeg")
    # The object last: its event starts the flow.
    system.s3.put_object(Bucket="inbox", Key=f"growth-{number // _DAYS:04d}/{number:07d}.jpg", Body=body)


def _on(text: DocumentText, sha256: str, day: dt.date) -> DocumentText:
    """The same words, printed on another day."""
    pages = [page.model_copy(update={"words": tuple(_dated(page.words, f"{day:%d.%m.%Y}"))}) for page in text.pages]
    return text.model_copy(update={"sha256": sha256, "pages": tuple(pages)})


def _dated(words: tuple[object, ...], day: str) -> Iterator[object]:
    for word in words:
        yield word.model_copy(update={"text": _DATE.sub(day, word.text)})  # type: ignore[attr-defined]
