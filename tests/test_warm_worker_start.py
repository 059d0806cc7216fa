"""A prefork master that is started beside one that works leaves it the machine first, but no longer than it has to."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.warm_worker import start_prefork_master

_LONG_SECONDS = 600.0


@pytest.fixture()
def lock(tmp_path: Path) -> Path:
    return tmp_path / "worker.lock"


@pytest.fixture()
def held(lock: Path) -> Iterator[int]:
    """Another process below another master works: flock tells open files apart, not processes."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield descriptor
    os.close(descriptor)


def _waiting(lock: Path) -> threading.Thread:
    thread = threading.Thread(target=start_prefork_master.wait_for_new_master, args=(lock,), daemon=True)
    thread.start()
    return thread


def test_begins_at_once_where_no_other_works(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_prefork_master, "_FIRST_WORK_SECONDS", _LONG_SECONDS)
    thread = _waiting(lock)
    thread.join(30)
    assert not thread.is_alive()


def test_waits_while_another_works_and_begins_when_that_one_is_gone(
    lock: Path, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_prefork_master, "_FIRST_WORK_SECONDS", _LONG_SECONDS)
    thread = _waiting(lock)
    thread.join(1)
    assert thread.is_alive()
    fcntl.flock(held, fcntl.LOCK_UN)
    thread.join(30)
    assert not thread.is_alive()


@pytest.mark.usefixtures("held")
def test_becomes_the_standby_after_a_while(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_prefork_master, "_FIRST_WORK_SECONDS", 0.5)
    thread = _waiting(lock)
    thread.join(30)
    assert not thread.is_alive()


def test_waits_for_what_it_works_on_with_everything_imported_and_shows_no_sign_of_life(tmp_path: Path) -> None:
    alive, after, lock = (tmp_path / name for name in ("alive", "after", "lock"))
    (tmp_path / "imported_flow.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w').close()\n")
    options = ["--pool", "none", "--lock", str(lock), "--alive", str(alive), "--after", str(after), "imported_flow"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PREFECT_API_URL": "http://127.0.0.1:1/api"}
    command = [sys.executable, "-m", "deployments.warm_worker", *options]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as master:
        try:
            _await(tmp_path / "imported")
            time.sleep(1.5)
            assert not _is_locked(lock) and not alive.exists()
            after.touch()
            _await_locked(lock)
            assert master.poll() is None
        finally:
            master.kill()


def _await(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not appear"
        time.sleep(0.1)


def _await_locked(lock: Path) -> None:
    deadline = time.monotonic() + 60
    while not _is_locked(lock):
        assert time.monotonic() < deadline, "it did not begin"
        time.sleep(0.1)


def _is_locked(lock: Path) -> bool:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def test_imports_nothing_before_it_waits() -> None:
    code = (
        "import sys, deployments.warm_worker.start_prefork_master; "
        "print(any(name.split('.')[0] == 'prefect' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_prefect_finds_the_worker_type_without_receipts() -> None:
    """Its entry point alone makes `--type warm` known, in an interpreter that imports nothing of ours beside it."""
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
    module = project["entry-points"]["prefect.collections"]["warm_worker"]
    code = (
        f"import sys, {module}; from prefect.workers.base import BaseWorker; print('flows' in sys.modules, "
        "BaseWorker.get_worker_class_from_type('warm').__module__)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == f"False {module}\n"
