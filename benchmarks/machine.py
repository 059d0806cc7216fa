"""The machine that a figure was measured on, in one line, for the pages that the measurements write."""

from __future__ import annotations

import platform
from pathlib import Path

import psutil


def machine() -> str:
    """Cores, processor, kernel and Python."""
    kernel = f"{platform.machine()}, Linux {platform.release()}"
    return f"{psutil.cpu_count() or 1} cores ({_processor()}), {kernel}, Python {platform.python_version()}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
