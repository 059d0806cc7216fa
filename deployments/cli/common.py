"""What several commands share: the --data and --json options, and how rows are printed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from flows.domain.public_ids import EXPENSE_PREFIX

Data = Annotated[
    Path, typer.Option("--data", envvar="RECEIPTFLOW_DATA_DIR", help="Data folder of the stack to talk to.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table for people.")]
_SHORT = 8
_ID = re.compile(r"(?:rf-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|rf-[0-9a-f]{8}")
DEFAULT_DATA = Path(".receiptflow")

console = Console()


def plain(value: Any) -> Any:
    """A value as JSON holds it; money and dates as strings."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_defaults=True)
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, Decimal | UUID | dt.date | dt.time | Path | StrEnum):
        return str(value)
    return value


def print_json(value: Any) -> None:
    """Print a value as indented JSON, the same for a terminal and a pipe."""
    typer.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    right: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> None:
    """Print rows for people; columns named in `right` hold numbers; those in `whole`, and ids, are never broken."""
    table = Table(title=title, title_justify="left")
    texts = [["" if cell is None else str(plain(cell)) for cell in row] for row in rows]
    for number, column in enumerate(columns):
        justify: Literal["right", "left"] = "right" if column in right else "left"
        has_ids = any(_ID.fullmatch(row[number]) for row in texts)
        table.add_column(column, justify=justify, overflow="fold", no_wrap=has_ids or column in {*right, *whole})
    for row in texts:
        table.add_row(*row)
    console.print(table)


def short_ids(ids: Sequence[object]) -> list[str]:
    """Ids as they can be told from one another: 8 characters, all of those whose 8 are not one's own.

    The commands take them as they take whole ids; what has become ambiguous is refused there with all it may mean.
    """
    beginnings = Counter(map(_beginning, {str(one) for one in ids}))
    return [begins if beginnings[begins := _beginning(str(one))] == 1 else str(one) for one in ids]


def receipt_in_words(key: str, receipt_id: UUID) -> str:
    """A receipt by the name of its file and as much of its id as the commands take."""
    from flows.storage import sent_name  # noqa: PLC0415

    return f"{sent_name(key)} ({_beginning(str(receipt_id))})"


def _beginning(one: str) -> str:
    prefix = EXPENSE_PREFIX if one.startswith(EXPENSE_PREFIX) else ""
    return one[: len(prefix) + _SHORT]


def day_of(text: str | None) -> dt.date | None:
    """A day that was given as an option."""
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no date; write it like 2026-11-30") from error
