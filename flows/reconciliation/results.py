"""The results bucket against the ledger's contents: results that belong to nothing, contents without results."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from flows.ledger.audit import walk_contents
from flows.pipeline.configuration import Pipeline
from flows.reconciliation.discrepancy import Counts, Discrepancy, Kind
from flows.reconciliation.merging import side_by_side, sorted_on_disk

UNREAD = "unread"


def compare_results(pipeline: Pipeline, counts: Counts) -> Iterator[Discrepancy]:
    """Look through the whole bucket and all contents in one merge, with constant memory."""
    with sorted_on_disk((sha256,) for sha256 in _listed(pipeline)) as rows:
        kept = (row[0] for row in rows)
        contents = walk_contents(pipeline.ledger)
        for results, known in side_by_side(kept, contents, str.encode, str.encode):
            counts.results += len(results)
            counts.contents += len(known)
            if known and not results:
                # Not wrong in itself: a receipt that is still to be read, or one that cannot be.
                counts.contents_without_results += 1
            elif results and not known:
                words = "Results of a content that the ledger does not know: its receipt was deleted or is still lost."
                yield Discrepancy(Kind.RESULTS_ORPHANED, results[0], words)


def _listed(pipeline: Pipeline) -> Iterator[str]:
    """The first folder of each key, which is the content's hash; neighbours with the same one only once."""
    folders = (key.partition("/")[0] for key in pipeline.results.all_keys())
    return (folder for folder, _ in groupby(folders) if folder != UNREAD)
