"""`receiptflow service` on a machine whose systemd runs: installed it comes up, after a kill and a boot too; removed it
is gone, and the data folder stays.

`make test-service` boots Debian's systemd in a container of the built image.
"""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_container_image import IMAGE, podman, until

pytestmark = pytest.mark.slow

FIXTURES = Path(__file__).parent / "fixtures" / "images"


class Machine:
    """A container that systemd was booted in."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, *words: str, user: str = "root", status: int | None = 0) -> str:
        """What a command printed; of another user as `su` has it, which names no manager of the user's."""
        options = ("--user", user, "--env", f"HOME=/home/{user}") if user != "root" else ()
        line = ["podman", "exec", *options, self.name, *words]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        printed = done.stdout + done.stderr
        assert status is None or done.returncode == status, f"{words}: {printed}{self.journal()}"
        return printed

    def journal(self) -> str:
        line = ["podman", "exec", self.name, "journalctl", "--no-pager", "--lines", "60"]
        return subprocess.run(line, capture_output=True, text=True, check=False).stdout

    def is_up(self, *data: str, user: str) -> bool:
        """Whether its own command finds all parts answering; a warning is none of that."""
        line = ["podman", "exec", "--user", user, self.name, "receiptflow", "status", "--json", *data]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        return done.returncode in {0, 1} and bool(json.loads(done.stdout))

    def boot(self) -> None:
        podman("start", self.name)
        until(lambda: "running" in self.run("systemctl", "is-system-running", status=None), "the boot")


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    name = f"receiptflow-{uuid.uuid4().hex[:8]}"
    podman("build", "--format", "docker", "--pull=never", "--build-arg", f"IMAGE=localhost/{IMAGE}", "--tag", name,
           "--file", str(FIXTURES / "systemd.Dockerfile"), str(FIXTURES))  # fmt: skip
    podman("create", "--name", name, "--systemd", "always", name)
    made = Machine(name)
    try:
        made.boot()
        yield made
    finally:
        podman("rm", "--force", "--volumes", name)
        podman("rmi", name)


DATA = ("--data", "/srv/receipts/data")


def test_of_the_system(machine: Machine) -> None:
    """As docs/operations.md has it: the folder is made, and install ends once all is up."""
    install = ("receiptflow", "service", "install", "--for", "system", "--run-as")
    assert "adduser" in machine.run(*install, "nobody-there", *DATA, status=2)
    machine.run(*install, "receipts", *DATA)
    assert machine.is_up(*DATA, user="receipts")
    assert machine.run("stat", "--format", "%U %a", "/srv/receipts/data").split() == ["receipts", "700"]
    first = _main_pid(machine)
    machine.run("systemctl", "kill", "--signal", "KILL", "--kill-who", "main", "receiptflow")
    until(lambda: _main_pid(machine) not in {"0", first}, "the next start")
    until(lambda: machine.is_up(*DATA, user="receipts"), "all parts again")
    podman("stop", "--time", "180", machine.name)
    machine.boot()
    until(lambda: machine.is_up(*DATA, user="receipts"), "all parts after a boot")
    assert "active (running)" in machine.run("receiptflow", "service", "status", "--for", "system")
    machine.run("receiptflow", "service", "remove", "--for", "system")
    assert "could not be found" in machine.run("receiptflow", "service", "status", "--for", "system", status=4)
    assert not machine.is_up(*DATA, user="receipts")
    assert "stack.json" in machine.run("ls", "/srv/receipts/data")
    assert "receiptflow up" not in podman("top", machine.name, "args")


def test_of_a_user(machine: Machine) -> None:
    install = ("receiptflow", "service", "install", "--data", "/home/anna/receipts", "--port", "5300")
    refused = machine.run(*install, user="anna", status=2)
    assert "enable-linger" in refused
    machine.run("test", "!", "-e", "/home/anna/.config/systemd/user/receiptflow.service")
    machine.run("loginctl", "enable-linger", "anna")
    bus = f"/run/user/{machine.run('id', '--user', 'anna').strip()}/bus"
    until(lambda: machine.run("find", bus, "-type", "s", status=None).startswith(bus), "her manager")
    machine.run(*install, user="anna")
    assert machine.is_up("--data", "/home/anna/receipts", user="anna")
    assert "active (running)" in machine.run("receiptflow", "service", "status", user="anna")
    machine.run("receiptflow", "service", "remove", user="anna")
    assert not machine.is_up("--data", "/home/anna/receipts", user="anna")


def test_a_start_that_fails_is_told(machine: Machine) -> None:
    machine.run("mkdir", "-p", "/srv/other")  # root's, that nobody else may write into
    install = ("receiptflow", "service", "install", "--for", "system", "--run-as", "receipts", "--data", "/srv/other")
    assert "did not come up" in machine.run(*install, status=1)
    machine.run("receiptflow", "service", "remove", "--for", "system")


def _main_pid(machine: Machine) -> str:
    return machine.run("systemctl", "show", "--property", "MainPID", "--value", "receiptflow").strip()
