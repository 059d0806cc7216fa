"""`docs/warm-worker.md` holds: its flow, which knows nothing of receipts, runs as it says, and is resumed as the same
flow run when its process, its worker or all of it is killed in the middle; finished steps are not repeated.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
from prefect.client.orchestration import get_client

from deployments.stack import Stack

WAIT_SECONDS = 300  # patience with a busy machine, not an expectation
DOC = Path(__file__).parent.parent / "docs/warm-worker.md"
FILES = ("a.txt", "b.txt", "c.txt", "d.txt")


def _until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + WAIT_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.1)
    return found


class _User:
    """Somebody who does in a folder what the page says."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment
        blocks = re.findall(r"```(?:python|sh)\n(.*?)```", DOC.read_text(), re.DOTALL)
        for block in blocks[:-1]:
            name = re.match(r"# (\S+)\n", block)
            assert name
            (folder / name[1]).write_text(block)
        *self.preparing, self.starting = blocks[-1].splitlines()
        for name in FILES:
            (folder / name).write_text("some words in a file")

    def command(self, line: str) -> list[str]:
        program, *arguments = line.split()
        return [str(Path(sys.executable).with_name(program)), *arguments]

    def prepare(self) -> None:
        for line in self.preparing:
            subprocess.run(self.command(line), env=self.environment, cwd=self.folder, check=True)

    def start_worker(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command(self.starting), env=self.environment, cwd=self.folder)

    def started(self) -> list[tuple[str, int]]:
        """The steps that were started: the file of each, and the process."""
        note = self.folder / "started.txt"
        return (
            [(line.split()[0], int(line.split()[1])) for line in note.read_text().splitlines()] if note.exists() else []
        )

    def await_step(self, count: int) -> int:
        """Wait for so many started steps; the process of the last."""
        return int(_until(lambda: len(self.started()) >= count and self.started()[count - 1][1]))


def _worker_below(master: int) -> psutil.Process:
    """The worker; zygotes, which are the master's children too, lead sessions of their own."""
    return next(child for child in psutil.Process(master).children() if os.getsid(child.pid) != child.pid)


@pytest.fixture
def user(prefect_api: Stack, tmp_path: Path) -> Iterator[_User]:
    yield _User(tmp_path, {**os.environ, "PREFECT_HOME": str(tmp_path / "home")})


def test_the_pages_flow_is_resumed_whatever_is_killed(user: _User) -> None:
    user.prepare()
    masters = [user.start_worker()]
    try:
        with get_client(sync_client=True) as client:
            deployment = client.read_deployment_by_name("count-words/slowly")
            run = client.create_flow_run_from_deployment(deployment.id, parameters={"paths": list(FILES)})
            os.kill(user.await_step(2), signal.SIGKILL)
            user.await_step(4)
            _worker_below(masters[0].pid).kill()
            user.await_step(6)
            masters[0].kill()
            masters[0].wait()
            masters.append(user.start_worker())
            _until(lambda: client.read_flow_run(run.id).state_name == "Completed")
            assert client.read_flow_run(run.id).run_count == 4
            assert _names(client, run.id).count("AwaitingRetry") == 3
    finally:
        for master in masters:
            master.kill()
            master.wait()
    assert [name for name, _ in user.started()] == ["a.txt", "b.txt", "b.txt", "c.txt", "c.txt", "d.txt", "d.txt"]


def _names(client: Any, run_id: UUID) -> list[str]:
    return [state.name for state in client.read_flow_run_states(run_id)]
