"""From a hint to a receipt: look whether the object is there, receive it, have it submitted.

The event's own details are not believed: order, size and version are asked of the store. A hint that comes twice,
late, or for an object that is gone does no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from uuid import UUID

from deployments.ingest.bucket_events.messages import ObjectCreated
from flows.domain.junk_files import is_junk_file
from flows.ledger.database import Ledger
from flows.ledger.errors import InvalidReferenceError
from flows.ledger.receipts import UploadView, note_received, receive, upload_at
from flows.ledger.schema import Source
from flows.ledger.values import ReceivedObject, Reception
from flows.storage import Inbox, ObjectGoneError

_log = logging.getLogger("receiptflow.events")


class EventReceiver:
    """Receives the objects that a bucket's events name.

    Args:
        inbox: The bucket; events of others are dropped.
        ledger: Where objects are registered.
        submit: Called with each receipt that waits, on the event loop.
    """

    def __init__(self, inbox: Inbox, ledger: Ledger, submit: Callable[[UUID], object]) -> None:
        self._inbox, self._ledger, self._submit = inbox, ledger, submit

    async def receive(self, event: ObjectCreated) -> UUID | None:
        """The receipt of an event's object, None if there is none to be had.

        Raises:
            TransientError: storage or ledger is away; the hint should come again.
        """
        if event.bucket != self._inbox.bucket:
            _log.warning("an event of bucket %s, which is not the inbox, was dropped", event.bucket)
            return None
        if is_junk_file(event.key):
            _log.info("skipped a file of an operating system: %s", event.key)
            return None
        reception = await asyncio.to_thread(self._receive, event)
        if reception is None:
            return None
        if not reception.submitted:
            self._submit(reception.receipt_id)
        return reception.receipt_id

    def _receive(self, event: ObjectCreated) -> Reception | None:
        try:
            version = self._inbox.head(event.key)
        except ObjectGoneError:
            return None
        with self._ledger.session() as session:
            place = upload_at(event.bucket, event.key, session=session)
            try:
                received = ReceivedObject.of(version, _source_of(place), owner=place.owner if place else None)
            except InvalidReferenceError as error:
                _log.warning("an object cannot be received: %s", error)
                return None
            reception = receive(received, session=session)
            if place is not None and place.receipt_id is None:
                note_received(place.id, reception.receipt_id, session=session)
        return reception


def _source_of(place: UploadView | None) -> Source:
    if place is None:
        return Source.EVENT
    return Source.UPLOAD if place.expires_at is not None else Source.API
