"""A chaos run as the page docs/durability-chaos.md: the counts, and the seconds until work went on by kind of fault."""

from __future__ import annotations

from benchmarks.chaos.operations import CARDS
from benchmarks.chaos.report import counts, summary
from benchmarks.chaos.resumption import bound_of
from benchmarks.chaos.verdict import Verdict
from benchmarks.machine import machine

# They interrupt nothing, so that nothing is resumed after them.
OPERATIONS = {f"{part} {manner}" for part, manner in CARDS}


def page(verdict: Verdict, *, seed: int, stolen_share: float) -> str:
    """The page in Markdown. `stolen_share` is the part of the CPU time that the hypervisor took, 0 to 1."""
    faults = sum(verdict.faults.values())
    ended = "every promise held" if verdict.held else "not every promise held"
    rows = "\n".join(f"| {name} | {count} |" for name, count in counts(verdict).items())
    return f"""# Durability, measured

Written by `make chaos SEED={seed} FAULTS={faults} WRITE=…`; do not edit. What is promised stands in
[durability.md](durability.md). Machine: {machine()}. The hypervisor took {stolen_share:.0%} of the CPU time meanwhile.

In this run {ended}.

| | count |
|---|---|
{rows}
{_not_dealt(verdict)}
## Seconds until work went on

Counted as [durability.md](durability.md#how-soon) says. *Resumed* counts the interrupted runs, or for a server the
times that it was back while there was work to go on with.

| fault | count | resumed | p50 | p95 | most | promised p95 |
|---|---|---|---|---|---|---|
{_times(verdict)}
"""


def _not_dealt(verdict: Verdict) -> str:
    lines = [f"- {kind}: {reason}" for kind, reason in verdict.not_dealt.items()]
    return "\n".join(["", "Faults that this machine could not have:", "", *lines, ""]) if lines else ""


def _times(verdict: Verdict) -> str:
    rows = []
    for kind, count in sorted(verdict.faults.items()):
        seconds = verdict.resume.get(kind, [])
        cells = [f"{value:.1f}" for value in summary(seconds).values()] if seconds else ["–", "–", "–"]
        promised = "–" if kind in OPERATIONS else f"{bound_of(kind):.0f}"
        rows.append(f"| {kind} | {count} | {len(seconds)} | {' | '.join(cells)} | {promised} |")
    return "\n".join(rows)
