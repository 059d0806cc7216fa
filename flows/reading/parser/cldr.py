"""What the parser asks of Unicode's CLDR, from a file: Babel would keep every language that is asked for in memory.

`make cldr` writes the file by the installed Babel (`write_cldr.py`).
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

PLACE = files("flows.reading.parser") / "cldr.json"


def month_rows(language: str) -> list[tuple[str, int, bool]]:
    """Month names and abbreviations, each with the month's number and whether it is the name in full."""
    return [(name, number, full) for name, number, full in _tables()["months"][language]]


def language_names() -> dict[str, str]:
    """The names of all official languages in themselves, by code."""
    return dict(_tables()["names"])


@cache
def _tables() -> dict[str, Any]:
    tables: dict[str, Any] = json.loads(PLACE.read_text(encoding="utf-8"))
    return tables
