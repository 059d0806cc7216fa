"""Results of engine and parser versions that a newer one replaced.

Of each step of a content the newest output stays, and whatever the ledger refers to; contents that are being read, or
that the ledger does not know, are left alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import groupby, islice

from flows.ledger.retention import Expiry, KeptResults, kept_results
from flows.pipeline.configuration import Pipeline
from flows.pipeline.page_results import PAGES
from flows.reconciliation import sorted_on_disk

_CONTENTS = 500  # as many as the ledger is asked about at once
_Row = tuple[str, ...]


def prune_results(pipeline: Pipeline, expiry: Expiry, dry_run: bool) -> int:
    """Remove the replaced outputs that are older than the retention; returns how many objects."""
    pruned = 0
    with sorted_on_disk(_listed(pipeline)) as rows:
        contents = ((sha256, list(group)) for sha256, group in groupby(rows, lambda row: row[0]))
        while batch := list(islice(contents, _CONTENTS)):
            replaced = _replaced(pipeline, batch, expiry)
            if not dry_run:
                pipeline.results.remove(replaced)
            pruned += len(replaced)
    return pruned


def _listed(pipeline: Pipeline) -> Iterator[_Row]:
    """Content, key and time of each output; what lies elsewhere in the bucket is none."""
    for key, modified, _ in pipeline.results.all_objects():
        sha256, _, step = key.partition("/")
        if "/" in step:
            yield sha256, key, modified.astimezone(dt.UTC).isoformat()


def _replaced(pipeline: Pipeline, batch: Sequence[tuple[str, list[_Row]]], expiry: Expiry) -> list[str]:
    with pipeline.ledger.session() as session:
        known = kept_results([sha256 for sha256, _ in batch], expiry.held, session=session)
    return [
        key
        for sha256, rows in batch
        if (kept := known.get(sha256)) and kept.may_go
        for key in replaced_keys([(row[1], dt.datetime.fromisoformat(row[2])) for row in rows], kept, expiry.before)
    ]


def replaced_keys(outputs: Sequence[tuple[str, dt.datetime]], kept: KeptResults, before: dt.datetime) -> Iterator[str]:
    """Which of one content's outputs may go: all but each step's newest, those referred to, and young ones. Pure.

    A model's unusable answer goes with the output that it lies beside.
    """
    newest: dict[str, tuple[dt.datetime, str]] = {}
    for key, modified in outputs:
        step = key.split("/")[1]
        # Pages serve the reading of their document alone; what a killed process left of them is nobody's newest.
        if key.endswith(".json") and step != PAGES:
            newest[step] = max(newest.get(step, (modified, key)), (modified, key))
    stay = {key for _, key in newest.values()} | kept.referred_to
    for key, modified in outputs:
        if modified < before and key.removesuffix(".answer.txt") not in stay:
            yield key
