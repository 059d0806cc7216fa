"""What running receiptflow costs: its headline figures as one table and one JSON, beside another commit's if asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Figures = dict[str, Any]

_TARGETS: dict[str, tuple[str, str]] = {
    "start_seconds": ('seconds from the command to "up", new / used data folder', "≤ 20 / ≤ 8"),
    "page_seconds": ("until a page answers, if only that it starts, new / used", "≤ 3"),
    "usable_page_seconds": ("until the pages can be used, new / used", ""),
    "idle.pss_mb": ("idle stack, PSS, MB", "≤ 900"),
    "idle.cores": ("idle CPU, cores", "≤ 0.03"),
    "working_pss_mb": ("PSS while working, MB, the most", "≤ 1600"),
    "overhead_cpu_seconds": ("CPU seconds a receipt beside OCR and parse", "≤ 0.5 of it"),
    "efficiency": ("receipts/s ÷ of the bare loop", "≥ 0.8"),
    "rows_per_receipt": ("rows a receipt in Prefect's database", "≤ 60"),
    "kb_per_receipt": ("KB a receipt in Prefect's database", "≤ 60"),
    "accept_seconds": ("upload of 1 MB answered under load, p50 / p99, seconds", "≤ 0.6 of it"),
    "trivial": ("four trivial steps: runs/s / latency p50, seconds", "≥ 8 / ≤ 0.15"),
    "submit_5000_seconds": ("making the runs of 5,000 uploads, seconds", "≤ 90"),
}


def shown(value: Any) -> str:
    """A figure for people."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return " / ".join(shown(part) for part in value.values())
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def headline(figures: Figures, base: Figures | None = None) -> Figures:
    """The figures that were measured of those that the table shows; ratios to `base` where there is one."""
    found = {name: figures[name] for name in _NAMES if name in figures}
    if steps := figures.get("trivial_steps"):
        found["trivial"] = {name: steps[name] for name in ("runs_per_second", "latency_p50_seconds")}
    if base is not None:
        found |= _ratios(figures, base)
    return found


_NAMES = tuple(name for name in dict.fromkeys(name.partition(".")[0] for name in _TARGETS) if name != "trivial")


def _ratios(figures: Figures, base: Figures) -> Figures:
    both: Callable[[str], bool] = lambda name: name in figures and name in base  # noqa: E731
    ratios: Figures = {}
    if both("overhead_cpu_seconds"):
        ratios["overhead_ratio"] = figures["overhead_cpu_seconds"] / base["overhead_cpu_seconds"]
    if both("accept_seconds"):
        then = base["accept_seconds"]
        ratios["accept_ratio"] = {name: now / then[name] for name, now in figures["accept_seconds"].items()}
    return ratios


def cost_table(figures: Figures, base: Figures | None = None, names: tuple[str, str] = ("now", "base")) -> str:
    """The headline figures with their targets as Markdown; `base` is another commit's, in a column of its own."""
    now, then = headline(figures), headline(base) if base is not None else {}
    rows = [f"| | {names[1]} | {names[0]} | target |", "|---|---|---|---|"]
    for name, (meaning, target) in _TARGETS.items():
        if (value := _at(now, name)) is not None:
            rows.append(f"| {meaning} | {shown(_at(then, name))} | {shown(value)} | {target} |")
    return "\n".join(rows)


def _at(figures: Figures, name: str) -> Any:
    first, _, second = name.partition(".")
    value = figures.get(first)
    return value.get(second) if second and value else value
