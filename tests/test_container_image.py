"""The built image runs as nobody in particular, tells how it is, stops when it is told, and keeps its volume.

`make test-image` builds the image by podman, on a base made here where no registry can be reached.
"""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.samples.catalogue import CATALOGUE
from deployments.samples.render import render_receipt
from deployments.version import installed_version

pytestmark = pytest.mark.slow

IMAGE = f"receiptflow:{installed_version()}"
WAIT_SECONDS = 900


def podman(*words: str, status: int | None = 0) -> str:
    done = subprocess.run(["podman", *words], capture_output=True, text=True, check=False)
    assert status is None or done.returncode == status, f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout.strip()


def until(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + WAIT_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(5)  # asking takes seconds of CPU
    return found


class Container:
    """A container of the image with a volume of its own."""

    def __init__(self, name: str) -> None:
        self.name = name

    def start(self) -> None:
        options = ("--detach", "--name", self.name, "--volume", f"{self.name}:/data")
        # As the default of Kubernetes' restricted pods, and of compose.yaml; other devices as docs/operations.md says.
        closed = ("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--env", "RECEIPTFLOW_LAN_HOST=0.0.0.0")
        podman("run", *options, *closed, IMAGE)
        until(self.is_healthy, "health")

    def is_healthy(self) -> bool:
        assert self.state()["Running"], podman("logs", "--tail", "50", self.name)
        done = subprocess.run(["podman", "healthcheck", "run", self.name], capture_output=True, check=False)
        return done.returncode == 0

    def state(self) -> Any:
        return json.loads(podman("inspect", self.name))[0]["State"]

    def run(self, *words: str) -> str:
        return podman("exec", self.name, *words)

    def asked(self, *words: str) -> Any:
        return json.loads(self.run("receiptflow", *words, "--json"))

    def stop(self) -> None:
        podman("stop", "--time", "180", self.name)


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    made = Container(f"receiptflow-{uuid.uuid4().hex[:8]}")
    try:
        made.start()
        yield made
    finally:
        podman("rm", "--force", "--volumes", made.name)
        podman("volume", "rm", "--force", made.name)


def test_it_is_one_tree_of_processes_of_no_root(container: Container) -> None:
    assert container.run("id", "-u") == "10001"
    lines = [line.split() for line in podman("top", container.name, "pid", "ppid", "user", "comm").splitlines()[1:]]
    assert {user for _, _, user, _ in lines} == {"receiptflow"}
    pids = {pid for pid, *_ in lines}
    assert [comm for pid, _, _, comm in lines if pid == "1"] == ["tini"]
    assert all(parent in pids for pid, parent, *_ in lines if pid != "1")


def test_receipts_are_read_and_kept_over_a_stop_and_a_start(container: Container, tmp_path: Path) -> None:
    for number in range(3):
        render_receipt(CATALOGUE[number], tmp_path / f"{number}.jpg", seed=number)
    podman("cp", str(tmp_path), f"{container.name}:/tmp/receipts")
    names = [f"/tmp/receipts/{number}.jpg" for number in range(3)]  # noqa: S108 - within the container
    container.run("receiptflow", "add", *names, "--owner", "acme", "--wait")
    before = container.asked("receipts")
    assert len(before) == 3
    assert {one["state"] for one in before} <= {"expensed", "review"}
    container.stop()
    assert container.state()["ExitCode"] in {0, 143}, podman("logs", "--tail", "50", container.name)
    assert not container.state()["OOMKilled"]
    logged = podman("logs", container.name)
    podman("rm", container.name)
    container.start()
    assert container.asked("receipts") == before
    podman("cp", str(tmp_path), f"{container.name}:/tmp/receipts")
    container.run("receiptflow", "add", *names, "--owner", "acme", "--wait")
    assert len(container.asked("expenses")) <= 3, "the same pictures are no further expenses"
    assert "Traceback" not in logged


def test_a_dead_part_makes_it_unhealthy_until_it_is_back(container: Container) -> None:
    stop = "import json, os, signal; os.kill(json.load(open('/data/stack.json'))['pids']['seaweedfs'], signal.SIGSTOP)"
    container.run("python", "-c", stop)
    done = subprocess.run(["podman", "healthcheck", "run", container.name], capture_output=True, check=False)
    assert done.returncode != 0
    until(container.is_healthy, "the return of the storage")
