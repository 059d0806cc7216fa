"""A stack that `receiptflow up` runs, and the command line beside it, for tests of what people do with them."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from conftest import Prepare

from deployments.stack.settings import StackSettings

BIN = Path(sys.executable).parent
RECEIPT_SECONDS = 480
COMMAND_SECONDS = 480


class Running:
    """A stack that `receiptflow up` runs, used as a person would; `printed` is what it said while it started."""

    def __init__(self, settings: StackSettings, printed: str) -> None:
        self.settings, self.printed = settings, printed
        self.env: dict[str, str] = {**os.environ, "COLUMNS": "200"}

    def cli(self, *arguments: str) -> Any:
        """A command of ours, its answer from --json."""
        output = self.run(str(BIN / "receiptflow"), *arguments, "--data", str(self.settings.data_dir), "--json")
        return json.loads(output)

    def run(self, *command: str) -> str:
        """Any command in the shell that `receiptflow env` makes."""
        done = subprocess.run(
            command, env=self.env, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def wait_for(self, key: str) -> dict[str, Any]:
        """The receipt of a key as `receiptflow receipts` shows it, once it is processed.

        The ledger is asked for that: the command starts an interpreter each time.
        """
        query = "SELECT count(*) FROM receipts WHERE key = %s AND state NOT IN ('waiting', 'running')"
        deadline = time.monotonic() + RECEIPT_SECONDS
        with psycopg.connect(self.env["RECEIPTFLOW_LEDGER_URL"].replace("+psycopg", ""), autocommit=True) as ledger:
            while ledger.execute(query, [key]).fetchone() == (0,):
                assert time.monotonic() < deadline, f"{key} is not processed: {self.cli('receipts')}"
                time.sleep(0.2)
        (row,) = (row for row in self.cli("receipts") if row["key"] == key)
        return dict(row)

    def events(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        """Prefect's events of a filter, as soon as there are any: they are written down a moment after they occur."""
        user, _, password = self.env["PREFECT_API_AUTH_STRING"].partition(":")
        deadline = time.monotonic() + RECEIPT_SECONDS
        while time.monotonic() < deadline:
            url = f"{self.env['PREFECT_API_URL']}/events/filter"
            answer = httpx.post(url, json={"filter": wanted}, auth=(user, password), timeout=60)
            if found := answer.raise_for_status().json()["events"]:
                return list(found)
            time.sleep(1)
        raise AssertionError(f"no events of {wanted}")


@pytest.fixture(scope="module")
def service_manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[socket.socket]:
    """Where a unit of systemd's is heard."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path_factory.mktemp("systemd") / "notify"))
        heard.settimeout(COMMAND_SECONDS)
        yield heard


@pytest.fixture(scope="module")
def running(
    stack_settings: Callable[[], StackSettings], prepare: Prepare, service_manager: socket.socket
) -> Iterator[Running]:
    settings = prepare(stack_settings())
    command = (str(BIN / "receiptflow"), "up", "--data", str(settings.data_dir), "--port", str(settings.port))
    env = os.environ | {"NOTIFY_SOCKET": service_manager.getsockname()}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if "Ctrl-C stops everything" in line:
                break
        else:
            raise AssertionError(f"the stack did not come up: {printed}")
        stack = Running(settings, printed)
        exports = stack.run(str(BIN / "receiptflow"), "env", "--data", str(settings.data_dir))
        stack.env |= dict(word.split("=", 1) for word in shlex.split(exports) if word != "export")
        yield stack
        process.send_signal(signal.SIGINT)
        process.wait(timeout=COMMAND_SECONDS)
