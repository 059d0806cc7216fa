"""This code and another commit's in one run: each part is measured of both, one right after the other.

The order changes from turn to turn, so that what changes on the machine meanwhile is not one side's alone. Figures are
the mean of the turns.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.bench.base import Side
from benchmarks.bench.footprint import footprint
from benchmarks.bench.outside import Outside
from benchmarks.bench.parts import Figures
from benchmarks.bench.start import start
from benchmarks.bench.submit import submit

# Measured from outside, of any commit.
OUTSIDE: dict[str, Callable[[Outside], Figures]] = {"start": start, "footprint": footprint, "submit": submit}
# Measured by each commit's own benchmark.
OWN = ("throughput", "latency", "trivial")
PARTS = (*OUTSIDE, *OWN)

Say = Callable[[str], None]
Keep = Callable[[list[Figures]], None]


def compared(
    sides: Sequence[Side], parts: Sequence[str], *, turns: int, quick: bool, say: Say, failed: list[str], keep: Keep
) -> list[Figures]:
    """The figures of each side; a part that fails is left out for it and noted in `failed`.

    `keep` gets what is known after each part, as a run may take hours: of the first turn part by part, then its turns.
    """
    all_taken: list[list[Figures]] = [[] for _ in sides]
    for turn in range(turns):
        taken: list[Figures] = [{} for _ in sides]
        for part in parts:
            order = list(range(len(sides)))
            for number in order if turn % 2 else reversed(order):
                side = sides[number]
                say(f"turn {turn + 1}: {part} of {side.commit}")
                try:
                    taken[number].update(_measured(side, part, quick=quick, say=say))
                except Exception as error:  # the other parts' figures are worth having
                    failed.append(f"{part} of {side.commit} ({type(error).__name__}: {error})")
            keep(
                [
                    mean(turns_before) if turns_before else now
                    for turns_before, now in zip(all_taken, taken, strict=True)
                ]
            )
        for number, figures in enumerate(taken):
            all_taken[number].append(figures)
    return [mean(one) for one in all_taken]


def _measured(side: Side, part: str, *, quick: bool, say: Say) -> Figures:
    if part in OUTSIDE:
        return OUTSIDE[part](Outside(quick=quick, say=say, program=side.program))
    return side.measure(part, quick=quick)


def mean(figures: Sequence[Any]) -> Any:
    """Several turns' figures as one, number by number; what is no number is the first's."""
    first = figures[0]
    if isinstance(first, dict):
        keys = [key for key in first if all(key in one for one in figures)]
        return {key: mean([one[key] for one in figures]) for key in keys}
    if isinstance(first, float) or (isinstance(first, int) and not isinstance(first, bool)):
        return statistics.fmean(figures)
    return first
