"""Receipts that were written, not photographed: layouts and wording of some forty countries, each with its true fields.

They were written from memory by authors who did not look at the parser, and each set was judged once before the parser
was changed for what it showed (docs/reading.md, What it was developed on).

A file holds many: `=== name {true fields}`, then the printed lines, of at most 48 characters. A line that begins with
`#` is printed large, bold and centred, with `#=` bold in its columns, one that begins with `|` is centred.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

SETS = ("europe", "world", "europe_again", "everyday")
_HEADER = re.compile(r"^=== (\w+) (\{.*\})$", re.MULTILINE)
COLUMNS = 48


@dataclass(frozen=True)
class Written:
    """One receipt. `known` names the fields that are not read right from its letters, each a matter still open."""

    name: str
    truth: dict[str, Any]
    lines: tuple[Line, ...]

    @property
    def known(self) -> frozenset[str]:
        return frozenset(self.truth.get("known", ()))


@dataclass(frozen=True)
class Line:
    """A printed line."""

    text: str
    large: bool = False
    bold: bool = False
    centred: bool = False


def written(*sets: str) -> Iterator[Written]:
    """Give the receipts of these sets, of all where none is named."""
    for name in sets or SETS:
        text = files(__name__).joinpath(f"{name}.txt").read_text(encoding="utf-8")
        heads = [*_HEADER.finditer(text)]
        ends = [*(head.start() for head in heads[1:]), len(text)]
        for head, end in zip(heads, ends, strict=True):
            printed = text[head.end() : end].strip("\n").split("\n")
            yield Written(head[1], json.loads(head[2]), tuple(map(_line, printed)))


def _line(text: str) -> Line:
    if text.startswith("#="):
        return Line(text[2:], bold=True)
    if text.startswith("#"):
        return Line(text[1:].strip(), large=True, bold=True, centred=True)
    if text.startswith("|"):
        return Line(text[1:].strip(), centred=True)
    return Line(text)
