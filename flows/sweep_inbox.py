"""The flow `sweep-inbox`: finds what no event brought, and submits whatever waits.

Order: list the inbox page by page, receive what the ledger does not know (by key, ETag and version), then submit
every waiting receipt. Events make it fast, the sweep makes it complete. Needs the block `receipt-pipeline/default`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_markdown_artifact

from flows.domain.junk_files import is_junk_file
from flows.flow_runs.recovery import resubmit_lost
from flows.flow_runs.submission import AT_ONCE, Submitter, open_submitter
from flows.ledger.database import Ledger
from flows.ledger.receipts import receive_many, unknown_objects, waiting_for_submission
from flows.ledger.schema import Source
from flows.ledger.values import ReceivedObject, WaitingReceipt
from flows.ledger.views import Page
from flows.pipeline.configuration import Pipeline, load_pipeline
from flows.storage import Inbox, ObjectVersion

SUBMISSION_PAGE = 25 * AT_ONCE
# Long enough for a submission under way to be noted in the ledger.
_QUIET_SECONDS = 30.0
# An artifact is for people; all of them are counted.
_NAMED = 20


@dataclass
class SweepCounts:
    """What one sweep saw and did."""

    listed: int = 0
    received: int = 0
    submitted: int = 0
    resubmitted: int = 0
    skipped: int = 0
    skipped_keys: list[str] = field(default_factory=list)

    def skip(self, key: str) -> None:
        """Count a file that is no receipt, and keep the first few names."""
        self.skipped += 1
        if len(self.skipped_keys) < _NAMED:
            self.skipped_keys.append(key)

    def in_words(self) -> str:
        """One sentence for people."""
        return (
            f"{self.listed} objects listed, {self.received} new, {self.submitted} submitted, "
            f"{self.resubmitted} whose run was lost submitted again, "
            f"{self.skipped} files of an operating system skipped"
        )


@flow(name="sweep-inbox", persist_result=False)
async def sweep_inbox(bucket: str = "", prefix: str = "") -> dict[str, Any]:
    """Receive and submit whatever lies in the inbox and is not known yet.

    Args:
        bucket: Bucket to sweep. Empty: the pipeline's inbox.
        prefix: Only keys that begin so, for example acme/. Empty: all.
    """
    counts = await sweep(await load_pipeline(), bucket=bucket or None, prefix=prefix)
    get_run_logger().info("Swept: %s", counts.in_words())
    await acreate_markdown_artifact(
        key="sweep-inbox", markdown=report(counts), description="What the sweep saw and did"
    )
    return vars(counts)


def report(counts: SweepCounts) -> str:
    """The sweep in Markdown, with the names of what it skipped."""
    head = f"# Sweep\n\n{counts.in_words()}.\n"
    if not counts.skipped:
        return head
    names = "\n".join(f"- `{key}`" for key in counts.skipped_keys)
    more = counts.skipped - len(counts.skipped_keys)
    return f"{head}\nSkipped:\n\n{names}\n" + (f"- … and {more} more\n" if more else "")


async def sweep(pipeline: Pipeline, *, bucket: str | None = None, prefix: str = "") -> SweepCounts:
    """What the flow does, for callers that are no flow run."""
    counts = SweepCounts()
    await receive_unknown(pipeline, counts, bucket=bucket, prefix=prefix)
    async with open_submitter(pipeline.ledger) as submitter:
        await submit_waiting(pipeline, submitter, counts)
        recovered = await resubmit_lost(submitter.client, pipeline.ledger, submitter, quiet_seconds=_QUIET_SECONDS)
    counts.resubmitted = recovered.resubmitted
    return counts


async def receive_unknown(pipeline: Pipeline, counts: SweepCounts, *, bucket: str | None, prefix: str) -> None:
    """Receive every object of the bucket that the ledger does not know, one listing page in memory at a time."""
    inbox = pipeline.inbox(bucket)
    versioned = await asyncio.to_thread(inbox.is_versioned)
    pages = inbox.pages(prefix)
    while (page := await asyncio.to_thread(next, pages, None)) is not None:
        counts.listed += len(page)
        files = [version for version in page if not _is_junk(version, counts)]
        counts.received += await asyncio.to_thread(_receive_page, pipeline.ledger, inbox if versioned else None, files)


def _is_junk(version: ObjectVersion, counts: SweepCounts) -> bool:
    junk = is_junk_file(version.key)
    if junk:
        counts.skip(version.key)
    return junk


def _receive_page(ledger: Ledger, versioned: Inbox | None, page: list[ObjectVersion]) -> int:
    """Receive what is new of a page; from a versioned bucket by its version, with those that it has overwritten."""
    unknown = _unknown(ledger, [ReceivedObject.of(version, Source.SWEEP) for version in page])
    if versioned is not None:
        # Object by object, since SeaweedFS leaves some out of later pages when it lists the versions of all.
        keys = dict.fromkeys(one.key for one in unknown)
        unknown = _unknown(
            ledger, [ReceivedObject.of(version, Source.SWEEP) for key in keys for version in versioned.versions(key)]
        )
    if not unknown:
        return 0
    with ledger.session() as session:
        receptions = receive_many(unknown, session=session)
    return sum(reception.created for reception in receptions)


def _unknown(ledger: Ledger, objects: list[ReceivedObject]) -> list[ReceivedObject]:
    with ledger.session() as session:
        return list(unknown_objects(objects, session=session))


async def submit_waiting(pipeline: Pipeline, submitter: Submitter, counts: SweepCounts) -> None:
    """Submit every receipt that waits without a flow run, in order of arrival."""
    after: str | None = None
    while True:
        page = await asyncio.to_thread(_waiting_page, pipeline, after)
        await submitter.submit_all(page.items)
        counts.submitted += len(page.items)
        after = page.next
        if after is None:
            return


def _waiting_page(pipeline: Pipeline, after: str | None) -> Page[WaitingReceipt]:
    with pipeline.ledger.session() as session:
        return waiting_for_submission(limit=SUBMISSION_PAGE, after=after, session=session)
