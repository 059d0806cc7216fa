"""The demo of `make run`: put a folder's receipts in, show progress, print the expenses."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deployments.cli.common import console, print_table
from deployments.cli.expenses import print_expenses
from deployments.cli.image_files import pictures_in
from deployments.ingest.local_files import Added, add_files, current_receipts
from deployments.samples import render_samples
from deployments.stack.first_access import somebody_can_sign_in
from deployments.stack.settings import StackSettings
from deployments.warm_worker.process_control import die_with_parent
from flows.domain.owners import DEFAULT_OWNER
from flows.ledger.expenses import SumsBy, Wanted, all_expenses, sum_expenses
from flows.ledger.receipts import count_in_review
from flows.ledger.schema import FINAL_STATES, State
from flows.ledger.views import ReceiptView
from flows.pipeline.configuration import Pipeline, load_pipeline
from flows.storage import sent_name

TRUTH_FILE = "truth.json"
_POLL_SECONDS = 0.3
_LINE_SECONDS = 5.0
_MONTHS = 6  # the latest ones


@dataclass(frozen=True)
class DemoResult:
    """How a demo ended.

    `done_before` counts the receipts that there was nothing to do for. `seconds` from the first file put in to the last
    final state.
    """

    receipts: Sequence[ReceiptView]
    done_before: int
    seconds: float

    @property
    def left_over(self) -> int:
        """Receipts that are not processed yet."""
        return sum(receipt.state not in FINAL_STATES for receipt in self.receipts)


def sample_folder(settings: StackSettings) -> Path:
    """The rendered sample receipts, made at the first time."""
    folder = settings.root / "samples"
    if not (folder / TRUTH_FILE).exists():
        console.print("rendering the sample receipts")
        render_samples(folder)
    return folder


async def run_demo(pipeline: Pipeline, files: Sequence[Path]) -> DemoResult:
    """Put the files in and wait until they are processed."""
    began = time.monotonic()
    added = await add_files(pipeline, files, DEFAULT_OWNER)
    known = [entry.receipt_id for entry in added if entry.known]
    before = await asyncio.to_thread(current_receipts, pipeline, known)
    done_before = sum(receipt.state in FINAL_STATES for receipt in before)
    console.print(f"{len(added)} receipts in the inbox" + (f", {len(known)} of them from before" if known else ""))
    receipts = await _watch(pipeline, added)
    return DemoResult(receipts, done_before, time.monotonic() - began)


async def _watch(pipeline: Pipeline, added: Sequence[Added]) -> Sequence[ReceiptView]:
    ids = [entry.receipt_id for entry in added]
    with _Bar(len(ids)) if console.is_terminal else _Lines() as progress:
        while True:
            receipts = await asyncio.to_thread(current_receipts, pipeline, ids)
            finals = sum(receipt.state in FINAL_STATES for receipt in receipts)
            counts = Counter(receipt.state.value for receipt in receipts)
            words = ", ".join(f"{n} {state}" for state, n in sorted(counts.items()))
            progress.show(finals, len(ids), words)
            if finals == len(receipts):
                return receipts
            await asyncio.sleep(_POLL_SECONDS)


class _Bar(Progress):
    """The progress of receipts in a terminal: one line that changes."""

    def __init__(self, total: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        super().__init__(*columns, console=console)
        self._bar = self.add_task("waiting", total=total)

    def show(self, done: int, total: int, words: str) -> None:
        """How far it is."""
        self.update(self._bar, completed=done, total=total, description=words)


class _Lines(AbstractContextManager["_Lines"]):
    """The progress where there is no terminal: a line every few seconds, and one at the end."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._next = 0.0

    def __exit__(self, *_: object) -> None:
        """Nothing is to be put away."""

    def show(self, done: int, total: int, words: str) -> None:
        """How far it is, unless that was said just before."""
        seconds = time.monotonic() - self._began
        if seconds >= self._next or done == total:
            self._next = seconds + _LINE_SECONDS
            console.print(f"{seconds:4.0f} s  {done} of {total} processed: {words}", soft_wrap=True, highlight=False)
            sys.stdout.flush()


def print_result(pipeline: Pipeline, result: DemoResult) -> None:
    """The expenses as a table, what they come to by month, what needs a look, and the time it took."""
    ids = {receipt.id for receipt in result.receipts}
    with pipeline.ledger.session() as session:
        print_expenses([one for one in all_expenses(owner=DEFAULT_OWNER, session=session) if one.receipt_id in ids])
        months = sum_expenses(SumsBy.MONTH, Wanted(owner=DEFAULT_OWNER), limit=_MONTHS, session=session)
        waiting = count_in_review(DEFAULT_OWNER, session=session)
    others = [receipt for receipt in result.receipts if receipt.state is not State.EXPENSED]
    if others:
        print_table(
            "not posted",
            ("file", "state", "reason"),
            ((sent_name(r.key), r.state, r.reason) for r in others),
            whole=("state",),
        )
    for month in months:
        amounts = ", ".join(f"{total} {currency}" for currency, total in sorted(month.totals.items()))
        console.print(f"{month.key or 'no date'}   {amounts}   (of {month.count})", soft_wrap=True, highlight=False)
    console.print(_in_words(result))
    console.print(f"{waiting} wait for you in review." if waiting else "Nothing waits for you in review.")


def _in_words(result: DemoResult) -> str:
    count = len(result.receipts) - result.done_before
    if not count:
        return f"Nothing was left to do: all {len(result.receipts)} receipts were processed before."
    return f"{count} receipts in {result.seconds:.1f} s ({count / result.seconds:.2f} a second)"


def _print_where_to_go_on(pipeline: Pipeline, gateway: str, sign_in: str) -> None:
    """By the link as long as nobody has used it, which somebody may have done meanwhile."""
    with pipeline.ledger.session() as session:
        known = somebody_can_sign_in(session)
    console.print(f"Go on at     {f'{gateway}/app/review' if known else sign_in}", soft_wrap=True)


async def _demonstrate(files: Sequence[Path], gateway: str, sign_in: str | None) -> DemoResult:
    pipeline = await load_pipeline()
    result = await run_demo(pipeline, files or pictures_in(sample_folder(StackSettings()), beside=(TRUTH_FILE,)))
    print_result(pipeline, result)
    if sign_in:
        _print_where_to_go_on(pipeline, gateway, sign_in)
    return result


def main() -> int:
    """`python -m deployments.cli.demo`: on the stack of the environment, with what the JSON object that it reads says.

    `files` are put in (none: the samples), `gateway` is the pages' address, and `sign_in` how to get in (null: nobody).

    Returns:
        1 if receipts are left over.
    """
    die_with_parent(os.getppid())
    wanted = json.load(sys.stdin)
    files = [Path(name) for name in wanted["files"]]
    try:
        return 1 if asyncio.run(_demonstrate(files, wanted["gateway"], wanted["sign_in"])).left_over else 0
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
