"""The command `usage`: what takes how much, what a receipt adds, and how long the disk lasts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from deployments.cli.common import DEFAULT_DATA, AsJson, Data, console, print_json, print_table
from deployments.cli.connection import connect
from deployments.disk import Disk, disk_of

if TYPE_CHECKING:
    from flows.pipeline.configuration import Pipeline

_UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Usage:
    """Bytes of each part, and how they grow. `disk` is None without a data folder on this machine."""

    parts: dict[str, int]
    receipts: int
    receipts_a_day: float
    disk: Disk | None

    @property
    def bytes_a_receipt(self) -> float:
        """What one receipt has added on average, in all parts."""
        return sum(self.parts.values()) / self.receipts if self.receipts else 0.0

    @property
    def days_left(self) -> float | None:
        """Days until the disk is full at the last week's rate; None while nothing grows or no disk is known."""
        a_day = self.bytes_a_receipt * self.receipts_a_day
        return self.disk.free_bytes / a_day if self.disk and a_day else None


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(usage)


def usage(data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Show what takes how much, what a receipt adds and how many days the disk lasts."""
    found = asyncio.run(_usage(data))
    if as_json:
        print_json({**_plain(found), "parts": found.parts})
        return
    rows = [(part, in_words(size), in_words(size / max(found.receipts, 1))) for part, size in found.parts.items()]
    print_table(f"{found.receipts} receipts", ("part", "size", "a receipt"), rows, right=("size", "a receipt"))
    console.print(_outlook(found), soft_wrap=True, highlight=False)


async def _usage(data: Path) -> Usage:
    pipeline = await connect(data)
    return await asyncio.to_thread(measure, pipeline, data)


def measure(pipeline: Pipeline, data: Path) -> Usage:
    """Measure every part; the results bucket is listed, so it takes a second for some thousand receipts."""
    from flows.ledger.usage import read_usage  # noqa: PLC0415

    with pipeline.ledger.session() as session:
        ledger = read_usage(session=session)
    parts = {
        "Prefect's database": ledger.prefect_bytes,
        "ledger": ledger.ledger_bytes,
        "originals": ledger.originals_bytes,
        "results": sum(size for _, _, size in pipeline.results.all_objects()),
        "logs": _size_of(data / "logs"),
    }
    known = {part: size for part, size in parts.items() if size is not None}
    disk = disk_of(data) if data.is_dir() else None
    return Usage(known, ledger.receipts, ledger.receipts_a_day, disk)


def _size_of(folder: Path) -> int | None:
    if not folder.is_dir():
        return None
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _plain(found: Usage) -> dict[str, float | int | None]:
    return {
        "receipts": found.receipts,
        "receipts_a_day": round(found.receipts_a_day, 2),
        "bytes_a_receipt": round(found.bytes_a_receipt),
        "disk_free_bytes": found.disk.free_bytes if found.disk else None,
        "days_left": round(found.days_left, 1) if found.days_left is not None else None,
    }


def _outlook(found: Usage) -> str:
    rate = f"{in_words(found.bytes_a_receipt)} a receipt, {found.receipts_a_day:.1f} receipts a day in the last week"
    if found.disk is None:
        return rate
    free = f"{in_words(found.disk.free_bytes)} free"
    return f"{rate}; {free}" + (f", full in {found.days_left:,.0f} days" if found.days_left is not None else "")


def in_words(size: float) -> str:
    """A number of bytes as people read it."""
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
