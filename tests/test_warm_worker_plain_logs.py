"""Prefect's lines in a part's log are the same with the plain handler, and the painting library is not asked."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from deployments.stack.environment import child_environment

_CODE = """
import sys
from prefect.logging.configuration import setup_logging
from prefect.logging.loggers import get_logger
setup_logging()
logger = get_logger("worker.trial")
logger.info("A state [red]Completed()[/red] at http://127.0.0.1:4200/runs, %s", "x" * 200)
try:
    1 / 0
except ZeroDivisionError:
    logger.exception("It failed")
"""


def _said(environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _CODE], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return re.sub(r"\d\d:\d\d:\d\d\.?\d*", "TIME", done.stderr)


def test_lines_are_the_same_without_being_painted() -> None:
    plain = child_environment({})
    handler = plain.pop("PREFECT_LOGGING_HANDLERS_CONSOLE_CLASS")
    painted = _said(plain)
    assert "Completed()" in painted
    assert "ZeroDivisionError" in painted
    assert _said({**plain, "PREFECT_LOGGING_HANDLERS_CONSOLE_CLASS": handler}) == painted


def test_what_a_user_chose_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "PREFECT_LOGGING_HANDLERS_CONSOLE_CLASS"
    chosen = "prefect.logging.handlers.PrefectConsoleHandler"
    monkeypatch.setenv(name, chosen)
    assert child_environment({})[name] == chosen
