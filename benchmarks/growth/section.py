"""The section of docs/scaling.md that this measurement writes, between two marks, extrapolated to a million."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.machine import machine

BEGIN, END = "<!-- written by make bench-growth; do not edit -->", "<!-- end of what make bench-growth wrote -->"
_MILLION = 1_000_000


def section(figures: Mapping[str, Any]) -> str:
    """The section in Markdown."""
    count = figures["receipts"]
    pruned = ", ".join(f"{number:,} {kind}" for kind, number in figures["pruned"].items() if number)
    states = ", ".join(f"{number:,} {state}" for state, number in figures["states"].items())
    return f"""{BEGIN}
## Measured: growth

`make bench-growth N={count}` on {machine()}.

{count:,} receipts went through the real flow, their OCR left out: the words of one receipt lay in the results bucket
under each content's hash. They were put in and processed in {figures["filled_seconds"] / 60:,.0f} minutes ({states}).
Then everything that had ended was pruned, as if each retention were over ({pruned}), which took
{figures["prune_seconds"]:,.0f} s. Sizes are with PostgreSQL's tables rewritten (`VACUUM FULL`); without that removed
rows' space is used again, and not given back. What is left of Prefect's database are its events, which its server
removes by itself after seven days. Sizes of a million are this growth times a million, times of a million are in
proportion.

| bytes | empty | {count:,} receipts | a receipt | after pruning | a receipt | a million, before / after |
|---|---|---|---|---|---|---|
{_sizes(figures)}

| seconds | {count:,} receipts | after pruning | a million |
|---|---|---|---|
{_seconds(figures)}
{END}"""


def _sizes(figures: Mapping[str, Any]) -> str:
    rows = []
    for part, empty in figures["empty_bytes"].items():
        before, after = figures["bytes"][part], figures["pruned_bytes"][part]
        each = [(size - empty) / figures["receipts"] for size in (before, after)]
        million = " / ".join(_size(max(one, 0) * _MILLION) for one in each)
        cells = (_size(empty), _size(before), _size(each[0]), _size(after), _size(each[1]), million)
        rows.append(f"| {part} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _seconds(figures: Mapping[str, Any]) -> str:
    rows = []
    for name, took in figures["seconds"].items():
        grows = not name.startswith(("first page", "list"))
        million = f"{took * _MILLION / figures['receipts']:,.0f}" if grows else "the same: a page is a page"
        rows.append(f"| {name} | {took:.3g} | {figures['pruned_seconds'][name]:.3g} | {million} |")
    return "\n".join(rows)


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(size) < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def write(figures: Mapping[str, Any], page: Path) -> None:
    """Put the section in place of the one that is there, or at the page's end."""
    text = page.read_text(encoding="utf-8")
    if BEGIN in text:
        before, _, rest = text.partition(BEGIN)
        text = before + section(figures) + rest.partition(END)[2]
    else:
        text = f"{text.rstrip()}\n\n{section(figures)}\n"
    page.write_text(text, encoding="utf-8")
