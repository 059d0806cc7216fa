"""Whatever part of the stack dies or hangs comes back by itself with its data, and nothing outlives the supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from conftest import Prepare, s3_client_of

from deployments.stack import Service, Stack
from deployments.stack.settings import StackSettings

_UP = """
import sys
from deployments.stack.settings import StackSettings
from deployments.stack import Service, Stack
escapee = "import os, time; os.fork() or (os.setsid(), os.fork()); time.sleep(600)"
settings = StackSettings(data_dir=sys.argv[1], port=int(sys.argv[2]))
forker = Service(name="forker", command=[sys.executable, "-c", escapee])
with Stack(settings, [forker], core=["postgres", "seaweedfs"]) as stack, stack.heeding_signals():
    print("up", flush=True)
    stack.wait()
print("down", flush=True)
"""


@pytest.fixture(scope="module")
def hurt_stack(stack_settings: Callable[[], StackSettings], prepare: Prepare) -> Iterator[Stack]:
    """A stack that may be hurt without disturbing other tests' one."""
    with Stack(prepare(stack_settings())) as running:
        yield running


def _put(stack: Stack, name: str) -> None:
    s3_client_of(stack).put_object(Bucket="inbox", Key=name, Body=name.encode())
    with psycopg.connect(stack.endpoints["ledger"].replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (name text)")
        connection.execute("INSERT INTO kept VALUES (%s)", (name,))
    _prefect(stack, "/variables/", {"name": name, "value": name})


def _require(stack: Stack, name: str) -> None:
    assert s3_client_of(stack).get_object(Bucket="inbox", Key=name)["Body"].read() == name.encode()
    with psycopg.connect(stack.endpoints["ledger"].replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM kept WHERE name = %s", (name,)).fetchone() == (1,)
    found = _prefect(stack, "/variables/filter", {"variables": {"name": {"any_": [name]}}})
    assert [entry["value"] for entry in found] == [name]


def _prefect(stack: Stack, path: str, body: dict[str, object]) -> list[dict[str, object]]:
    user, _, password = stack.environment["PREFECT_API_AUTH_STRING"].partition(":")
    answer = httpx.post(stack.environment["PREFECT_API_URL"] + path, json=body, auth=(user, password), timeout=120)
    answer.raise_for_status()
    return answer.json()


def _await_new_process(stack: Stack, name: str, old: int) -> None:
    while stack.pids().get(name) in (None, old) or not stack.ready(name):
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["postgres", "seaweedfs", "prefect"])
def test_killed_part_comes_back_with_its_data(hurt_stack: Stack, name: str) -> None:
    thing = f"killed_{name}"
    _put(hurt_stack, thing)
    old, others = hurt_stack.pids()[name], {**hurt_stack.pids(), name: 0}
    os.kill(old, signal.SIGKILL)
    _await_new_process(hurt_stack, name, old)
    _require(hurt_stack, thing)
    assert {**hurt_stack.pids(), name: 0} == others, "no other part was restarted with it"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
def test_all_parts_at_once_come_back_with_their_data(hurt_stack: Stack, number: signal.Signals) -> None:
    thing = f"all_{number.name.lower()}"
    _put(hurt_stack, thing)
    pids = hurt_stack.pids()
    for pid in pids.values():
        os.kill(pid, number)
    for name, pid in pids.items():
        _await_new_process(hurt_stack, name, pid)
    _require(hurt_stack, thing)


def test_part_whose_guardian_is_killed_comes_back(hurt_stack: Stack) -> None:
    old = hurt_stack.pids()["postgres"]
    guardian = int(Path(f"/proc/{old}/stat").read_text().rpartition(")")[2].split()[1])
    _put(hurt_stack, "guardian")
    os.kill(guardian, signal.SIGKILL)
    _await_new_process(hurt_stack, "postgres", old)
    _require(hurt_stack, "guardian")


def _start(settings: StackSettings) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _UP, str(settings.root), str(settings.port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def _family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def _living(family: list[psutil.Process]) -> list[psutil.Process]:
    return [member for member in family if member.is_running() and not _is_zombie(member)]


def _is_zombie(member: psutil.Process) -> bool:
    try:
        return member.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_nothing_outlives_a_killed_supervisor_and_the_next_start_has_all_data(
    stack_settings: Callable[[], StackSettings],
) -> None:
    settings = stack_settings()
    first = _start(settings)
    family = _family(first)
    assert {"postgres", "weed"} < {member.name() for member in family}
    assert sum("os.setsid" in " ".join(member.cmdline()) for member in family) == 4  # the forker's, and its guardian
    with psycopg.connect(settings.database_url("ledger").replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    first.kill()
    first.wait()
    second = _start(settings)  # waits until the first one's remains are gone
    with psycopg.connect(settings.database_url("ledger").replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
    assert _living(family) == []
    _kill_and_wait_for_all(second)


def _kill_and_wait_for_all(process: subprocess.Popen[str]) -> None:
    family = _family(process)
    process.kill()
    process.wait()
    while _living(family):
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_stops_in_order(stack_settings: Callable[[], StackSettings], number: signal.Signals) -> None:
    settings = stack_settings()
    process = _start(settings)
    family = _family(process)
    process.send_signal(number)
    assert process.communicate()[0] == "down\n"
    assert process.returncode == 0
    assert _living(family) == []
    assert "database system is shut down" in (settings.logs_dir / "postgres.log").read_text()


def test_old_pid_that_now_belongs_to_another_program_does_not_block(
    stack_settings: Callable[[], StackSettings],
) -> None:
    settings = stack_settings()
    with Stack(settings, core=["postgres"]):
        pass
    lines = [
        str(os.getppid()),
        str(settings.root / "postgres"),
        "1",
        "5432",
        str(settings.socket_dir),
        "",
        "1 1",
        "ready",
    ]
    for path in (settings.root / "postgres" / "postmaster.pid", settings.socket_dir / ".s.PGSQL.5432.lock"):
        path.write_text("\n".join(lines) + "\n")
    with Stack(settings, core=["postgres"]) as again:
        assert again.ready("postgres")


def test_data_moves_to_other_ports(stack_settings: Callable[[], StackSettings]) -> None:
    settings = stack_settings()
    with Stack(settings, core=["seaweedfs"]) as first:
        s3_client_of(first).put_object(Bucket="inbox", Key="a", Body=b"before")
    moved = settings.model_copy(update={"port": stack_settings().port})
    with Stack(moved, core=["seaweedfs"]) as second:
        client = s3_client_of(second)
        assert client.get_object(Bucket="inbox", Key="a")["Body"].read() == b"before"
        client.put_object(Bucket="inbox", Key="a", Body=b"after")
        assert client.get_object(Bucket="inbox", Key="a")["Body"].read() == b"after"


_PARENT = """
import pathlib, subprocess, sys, time
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
pathlib.Path(sys.argv[1]).write_text(f"{child.pid}\\n")
time.sleep(600)
"""


def test_what_a_killed_service_had_started_dies_before_it_is_restarted(postgres: Stack, tmp_path: Path) -> None:
    note = tmp_path / "child"
    postgres.add(Service(name="parent", command=[sys.executable, "-c", _PARENT, str(note)]))
    while not note.exists() or not note.read_text().endswith("\n"):
        time.sleep(0.02)
    child, old = int(note.read_text()), postgres.pids()["parent"]
    os.kill(old, signal.SIGKILL)
    _await_new_process(postgres, "parent", old)
    assert not Path(f"/proc/{child}").exists()
