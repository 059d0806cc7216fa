"""Bars for the first page, as numbers that a template draws: nothing of a chart is computed in a browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

WIDTH, HEIGHT = 720, 220
_BASE = 26
_ABOVE = 28  # for the highest bar's figure, which phones write larger


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. Lengths in the chart's own units; `query` leads to the expenses that it sums up."""

    name: str
    total: Decimal
    x: float
    y: float
    width: float
    height: float
    query: dict[str, str]


def columns(sums: Sequence[tuple[str, Decimal, dict[str, str]]]) -> list[Bar]:
    """Upright bars, one a month, in the order given."""
    highest = max((abs(total) for _, total, _ in sums), default=Decimal(0)) or Decimal(1)
    step = WIDTH / max(len(sums), 1)
    room = HEIGHT - _BASE - _ABOVE
    bars = []
    for place, (name, total, query) in enumerate(sums):
        height = max(float(max(total, Decimal(0)) / highest) * room, 1.0)
        y = HEIGHT - _BASE - height
        bars.append(
            Bar(name, total, round(place * step + step * 0.15, 1), round(y, 1), round(step * 0.7, 1), height, query)
        )
    return bars


def rows(sums: Sequence[tuple[str, Decimal, dict[str, str]]]) -> list[Bar]:
    """Lying bars, one a line, in the order given; the longest is 100 wide."""
    highest = max((abs(total) for _, total, _ in sums), default=Decimal(0)) or Decimal(1)
    widths = [round(max(float(max(total, Decimal(0)) / highest) * 100, 0.5), 1) for _, total, _ in sums]
    return [Bar(name, total, 0, 0, width, 10, query) for (name, total, query), width in zip(sums, widths, strict=True)]
