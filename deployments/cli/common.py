"""What several commands share: the --data and --json options, and how rows are printed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

Data = Annotated[
    Path, typer.Option("--data", envvar="RECEIPTFLOW_DATA_DIR", help="Data folder of the stack to talk to.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table for people.")]
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


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = ()) -> None:
    """Print rows for people; columns named in `right` hold numbers."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(plain(cell)) for cell in row))
    console.print(table)


def day_of(text: str | None) -> dt.date | None:
    """A day that was given as an option."""
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no date; write it like 2026-11-30") from error
