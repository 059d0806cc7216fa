"""How posted files are accepted: find what was sent before, store the rest, register it, have it submitted.

Order: find known content (and reserve keys for a request that has a name), then the puts, then one transaction that
registers. Whatever is interrupted in between is repeated harmlessly: the same request stores the same object under
the same key, and an object that nobody registered is found by the sweep.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from deployments.gateway.http.request_bodies import Spooled
from deployments.gateway.services.object_store import ObjectStore
from deployments.ingest.submissions import Submissions
from flows.ledger.database import Ledger
from flows.ledger.receipts import (
    NewUpload,
    UploadView,
    get_receipt,
    note_received,
    receipts_of_content,
    receive_uploads,
    reserve,
    unreserved,
)
from flows.ledger.schema import Source, State
from flows.ledger.values import ReceivedObject
from flows.ledger.views import ReceiptView
from flows.storage import ObjectVersion, clean_name

_RANDOM_BYTES = 12
_REMEMBERED_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one posted file."""

    receipt_id: UUID
    flow_run_id: UUID | None
    state: State
    duplicate: bool


def make_key(owner: str, name: str) -> str:
    """A key that nobody can guess or overwrite: `<owner>/<yyyy-mm>/<random>-<clean name>`."""
    month = dt.datetime.now(dt.UTC).strftime("%Y-%m")
    return f"{owner}/{month}/{secrets.token_hex(_RANDOM_BYTES)}-{clean_name(name).replace(' ', '_')}"


class Intake:
    """Accepts files for the routes.

    Args:
        bucket: The inbox.
        ledger: Where they are registered.
        store: Where they are put.
        submissions: Who submits them.
    """

    def __init__(self, bucket: str, ledger: Ledger, store: ObjectStore, submissions: Submissions) -> None:
        self.bucket, self._ledger, self._store, self._submissions = bucket, ledger, store, submissions
        self._own: OrderedDict[str, None] = OrderedDict()

    def stores(self, key: str) -> bool:
        """Whether this process stored this key lately or does now, so that an event about it tells nothing new."""
        return key in self._own

    async def accept(
        self, owner: str, files: Sequence[Spooled], *, idempotency_key: str | None, wait_seconds: float
    ) -> list[Accepted]:
        """Accept the files of one request; all are durable when this returns.

        Args:
            owner: Whose they are.
            files: In the request's order.
            idempotency_key: The client's name for this request.
            wait_seconds: How long the answer may be held back for flow run ids.
        """
        places, known = await asyncio.to_thread(self._prepare, owner, files, idempotency_key)
        new = [(place, file) for place, file in zip(places, files, strict=True) if place.id not in known]
        made = await self._take_in(new) if new else {}
        accepted = {**known, **made}
        runs = [self._submissions.add(accepted[place.id].receipt_id) for place, _ in new]
        if runs and wait_seconds > 0:
            await asyncio.wait(runs, timeout=wait_seconds)
        for (place, _), run in zip(new, runs, strict=True):
            accepted[place.id] = _with_run(accepted[place.id], run)
        return [accepted[place.id] for place in places]

    async def _take_in(self, new: Sequence[tuple[UploadView, Spooled]]) -> dict[UUID, Accepted]:
        places = [place for place, _ in new]
        self._own.update(dict.fromkeys(place.key for place in places))
        try:
            stored = await asyncio.gather(*(self._store.put(place.key, file) for place, file in new))
            made = await asyncio.to_thread(self._register, places, stored)
        except BaseException:
            for place in places:  # an event may be what brings it in now
                self._own.pop(place.key, None)
            raise
        while len(self._own) > _REMEMBERED_KEYS:
            self._own.popitem(last=False)
        return made

    def _prepare(
        self, owner: str, files: Sequence[Spooled], idempotency_key: str | None
    ) -> tuple[list[UploadView], dict[UUID, Accepted]]:
        wanted = [
            NewUpload(owner, self.bucket, make_key(owner, file.name), file.media_type, file.sha256) for file in files
        ]
        with self._ledger.session() if idempotency_key else self._ledger.autocommit() as session:
            known = receipts_of_content(owner, {file.sha256 for file in files}, session=session)
            places = (
                reserve(wanted, session=session, idempotency_key=idempotency_key)
                if idempotency_key
                else unreserved(wanted)
            )
            answers = {}
            for place in places:
                receipt = known.get(str(place.sha256))
                if place.receipt_id is not None:
                    receipt = get_receipt(place.receipt_id, session=session)
                elif receipt is not None and idempotency_key:
                    note_received(place.id, receipt.id, session=session)
                if receipt is not None:
                    answers[place.id] = _known(receipt, place)
        return places, answers

    def _register(self, places: Sequence[UploadView], stored: Sequence[ObjectVersion]) -> dict[UUID, Accepted]:
        objects = [
            ReceivedObject.of(version, Source.API, owner=place.owner)
            for place, version in zip(places, stored, strict=True)
        ]
        with self._ledger.autocommit() as session:
            receptions = receive_uploads(places, objects, session=session)
        return {
            place.id: Accepted(reception.receipt_id, reception.flow_run_id, reception.state, duplicate=False)
            for place, reception in zip(places, receptions, strict=True)
        }


def _known(receipt: ReceiptView, place: UploadView) -> Accepted:
    # A repeated request finds the receipt that it made itself; anything else is the same content sent again.
    return Accepted(receipt.id, receipt.flow_run_id, receipt.state, duplicate=receipt.key != place.key)


def _with_run(accepted: Accepted, run: asyncio.Future[UUID | None]) -> Accepted:
    flow_run_id = run.result() if run.done() else None
    return Accepted(accepted.receipt_id, flow_run_id or accepted.flow_run_id, accepted.state, accepted.duplicate)
