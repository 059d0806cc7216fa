"""Programs that a measurement runs to their end, with a bound on their time and their last words if they fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

_TAIL = 1500


class ProgramFailedError(Exception):
    """A program ended with an error or took too long."""


def python(*arguments: str, seconds: float, environment: Mapping[str, str] | None = None) -> str:
    """What this Python prints with these arguments.

    Raises:
        ProgramFailedError: with the end of what it said.
    """
    command, own = [sys.executable, *arguments], {**os.environ, **(environment or {})}
    try:
        done = subprocess.run(command, env=own, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise ProgramFailedError(f"{arguments[:2]} took more than {seconds:.0f} s: {error.stderr!r}") from error
    if done.returncode != 0:
        raise ProgramFailedError(f"{arguments[:2]} ended with status {done.returncode}: {done.stderr[-_TAIL:]}")
    return done.stdout
