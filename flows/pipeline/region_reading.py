"""What a piece of a receipt's picture says: the answer of `read-region`, and where it lies until somebody has taken it.

Apart from the reading itself, as whoever waits for the answer has no OCR.
"""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

from flows.domain.fields import Word


class RegionReading(BaseModel):
    """The words of a piece in reading order, boxes in pixels of the upright page; or why there are none.

    `status` is the HTTP status that says the same: 200, 404 where the picture is gone, 422 where the rectangle or the
    picture cannot be read.
    """

    words: tuple[Word, ...] = ()
    problem: str = ""
    status: int = 200

    @property
    def text(self) -> str:
        """The words in one line."""
        return " ".join(word.text for word in self.words).strip()


def region_key(sha256: str, flow_run_id: UUID) -> str:
    """Where the answer of a run lies."""
    return f"{sha256}/read_region/{flow_run_id}.json"
