"""A receipt's pages as people see them: their sizes, to which boxes refer, and their words with the values in them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from flows.domain.fields import DocumentText, Page, ReceiptFields
from flows.reading.parser import PrintedValue, latest_day, printed_values
from flows.storage import Results

NO_WORDS: dict[str, list[Any]] = {"words": [], "dates": [], "amounts": []}


@dataclass(frozen=True, slots=True)
class Picture:
    """A page of a reading. Sizes and boxes in pixels of the upright page."""

    page: Page

    @property
    def number(self) -> int:
        """Counted from 1."""
        return self.page.number

    @property
    def width(self) -> int:
        """Of the page."""
        return self.page.width

    @property
    def height(self) -> int:
        """Of the page."""
        return self.page.height

    def words_json(self, read: ReceiptFields | None = None) -> str:
        """`words`: each as [text, left, top, right, bottom]; `dates` and `amounts`: each as [value, left, …].

        Args:
            read: What was read of the receipt, which tells what a date means.
        """
        words = [[word.text, *map(round, word.bbox)] for word in self.page.words]
        found = printed_values((self.page,), read, today=latest_day(dt.datetime.now(dt.UTC)))
        return json.dumps({"words": words} | values_of(found), ensure_ascii=False)


def values_of(found: Sequence[PrintedValue]) -> dict[str, list[list[Any]]]:
    """Printed values as JSON, dates and amounts apart."""
    rows = [(isinstance(one.value, dt.date), [str(one.value), *map(round, one.bbox)]) for one in found]
    return {
        "dates": [row for is_date, row in rows if is_date],
        "amounts": [row for is_date, row in rows if not is_date],
    }


def read_pictures(results: Results, words_key: str | None) -> list[Picture]:
    """The pages of a reading; empty where there is none, or of a version that is gone."""
    kept = results.get(words_key) if words_key else None
    if kept is None:
        return []
    try:
        pages = DocumentText.model_validate_json(kept).pages
    except ValidationError:
        return []
    return [Picture(page) for page in pages]
