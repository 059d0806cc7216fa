"""A receipt's page as people see it: its size, to which boxes refer, and its words."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import ValidationError

from flows.domain.fields import DocumentText, Page
from flows.storage import Results


@dataclass(frozen=True, slots=True)
class Picture:
    """Page 1 of a reading. Sizes and boxes in pixels of the upright page."""

    page: Page

    @property
    def width(self) -> int:
        """Of the page."""
        return self.page.width

    @property
    def height(self) -> int:
        """Of the page."""
        return self.page.height

    def words_json(self) -> str:
        """Each word as [text, left, top, right, bottom]."""
        return json.dumps([[word.text, *map(round, word.bbox)] for word in self.page.words], ensure_ascii=False)


def read_picture(results: Results, words_key: str | None) -> Picture | None:
    """The page of a reading; None where there is none, or of a version that is gone."""
    kept = results.get(words_key) if words_key else None
    if kept is None:
        return None
    try:
        pages = DocumentText.model_validate_json(kept).pages
    except ValidationError:
        return None
    return Picture(pages[0]) if pages else None
