"""The pages of a document that has several: each is durable as soon as it is read, so that a death costs one page.

A page's result serves the reading of its document alone. Once the document's own is durable, they are removed; what a
killed process leaves of them goes with the pruning of results, or with the content.
"""

from __future__ import annotations

from collections.abc import Callable

from flows.domain.fields import Page
from flows.pipeline.durable_step import Step
from flows.storage import Results

PAGES = "read_page"


class PageResults:
    """The durable pages of one content.

    Args:
        results: Where they lie.
        sha256: Of the content, in hex.
        version: Of the step that reads the document.
        note_progress: Called with a name for each page that was read, once it is durable.
    """

    def __init__(self, results: Results, sha256: str, version: str, note_progress: Callable[[str], None]) -> None:
        self._results, self._sha256, self._version = results, sha256, version
        self._note_progress = note_progress
        self._keys: list[str] = []

    def durable(self, number: int, read: Callable[[], Page]) -> Page:
        """Page `number`, from 1: as it is kept, or read and kept."""
        step = Step(self._sha256, PAGES, f"{self._version}/{number}", Page)
        page, was_kept = step.durable(self._results, read)
        self._keys.append(step.key)
        if not was_kept:
            self._note_progress(f"{PAGES}/{step.version}")
        return page

    def remove(self) -> None:
        """Remove the pages that were handed out; none of a document with a single page."""
        self._results.remove(self._keys)
        self._keys.clear()
