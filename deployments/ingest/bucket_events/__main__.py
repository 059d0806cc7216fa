"""`python -m deployments.ingest.bucket_events`: receive what an SQS queue reports; settings from the environment."""

from __future__ import annotations

import asyncio
import logging
import signal
from functools import partial

import boto3
from pydantic import Field

from deployments import json_logs
from deployments.ingest.bucket_events.reception import EventReceiver
from deployments.ingest.bucket_events.sqs import SqsQueue, consume
from deployments.ingest.submissions import Submissions
from deployments.s3 import s3_client
from deployments.settings import GatewaySettings
from deployments.warm_worker.background import BackgroundServices
from flows.ledger.database import open_ledger
from flows.storage import Inbox


class SqsSettings(GatewaySettings):
    """The gateway's settings of storage and ledger, and the queue's."""

    sqs_queue_url: str = Field(description="The queue that the bucket's notifications go to.")
    sqs_dead_letter_url: str | None = Field(default=None, description="By default the queue's own.")
    sqs_region: str | None = Field(default=None, description="By default the bucket's.")
    sqs_endpoint_url: str | None = Field(default=None, description="Only for servers other than AWS.")


async def run(settings: SqsSettings) -> None:
    """Receive until SIGTERM or SIGINT; a batch that has begun is finished or comes again."""
    ledger = open_ledger(settings.ledger_url.get_secret_value(), application_name="receiptflow-events")
    submissions = Submissions(ledger)
    inbox = Inbox(s3_client(settings, settings.s3_endpoint_url), settings.inbox_bucket)
    client = boto3.client(
        "sqs", region_name=settings.sqs_region or settings.s3_region, endpoint_url=settings.sqs_endpoint_url
    )
    queue = await asyncio.to_thread(SqsQueue, client, settings.sqs_queue_url, settings.sqs_dead_letter_url)
    loop, main = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, main.cancel)  # type: ignore[union-attr]  # this is a task
    services = BackgroundServices(logging.getLogger("receiptflow.events"))
    services.start("submissions", submissions.run)
    services.start("sqs", partial(consume, queue, EventReceiver(inbox, ledger, submissions.add)))
    try:
        await loop.create_future()  # until the signal
    finally:
        await services.stop()


def main() -> None:
    """Run with settings from the environment."""
    json_logs.set_up()
    try:
        asyncio.run(run(SqsSettings()))
    except asyncio.CancelledError:
        return


if __name__ == "__main__":
    main()
