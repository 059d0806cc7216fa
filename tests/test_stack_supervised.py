"""A part that answers no probe is killed when it does nothing, and left alone for long while it works; logs rotate."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deployments.stack import Service, Stack, datadir, supervised
from deployments.stack import stack as stack_module
from deployments.stack.settings import StackSettings
from deployments.warm_worker import hang_detector

_BUSY = [sys.executable, "-c", "while True: pass"]
_IDLE = [sys.executable, "-c", "import time; time.sleep(600)"]


class _Probe:
    """A check that fails from the moment that it is set to, and counts how often it was asked since."""

    def __init__(self) -> None:
        self.failing, self.asked = False, 0

    def __call__(self) -> None:
        if self.failing:
            self.asked += 1
            raise TimeoutError("no answer")


@pytest.fixture
def quick_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shrink the supervisor's patience, keeping its proportions."""
    monkeypatch.setattr(supervised, "_PROBE_SECONDS", 0.05)
    monkeypatch.setattr(hang_detector, "IDLE_SECONDS", 1.5)


@pytest.fixture
def stack_with(stack_settings: Callable[[], StackSettings]) -> Iterator[Callable[[Service], Stack]]:
    """Starts a stack of one service of the test's own."""
    started: list[Stack] = []

    def start(service: Service) -> Stack:
        started.append(Stack(stack_settings(), [service], core=[]))
        started[-1].start()
        return started[-1]

    yield start
    for stack in started:
        stack.stop()


@pytest.mark.usefixtures("quick_probes")
def test_silent_part_that_does_nothing_is_restarted(stack_with: Callable[[Service], Stack]) -> None:
    probe = _Probe()
    stack = stack_with(Service(name="idle", command=_IDLE, liveness_check=probe))
    probe.failing = True
    while stack.starts()["idle"] < 2:
        time.sleep(0.02)
    assert "answered no probe" in (stack.settings.logs_dir / "stack.log").read_text()


@pytest.mark.usefixtures("quick_probes")
def test_silent_part_that_works_is_left_alone_until_it_stops_working(stack_with: Callable[[Service], Stack]) -> None:
    probe = _Probe()
    stack = stack_with(Service(name="busy", command=_BUSY, liveness_check=probe, niceness=0))
    while psutil.Process(stack.pids()["busy"]).cpu_times().user < 0.2:
        time.sleep(0.02)
    probe.failing = True
    while probe.asked < 100:  # much longer than an idle part is given
        time.sleep(0.02)
    assert stack.starts() == {"busy": 1}
    probe.failing = False
    os.kill(stack.pids()["busy"], signal.SIGSTOP)
    time.sleep(0.2)
    probe.failing = True
    while stack.starts()["busy"] < 2:
        time.sleep(0.02)


def test_part_that_is_stopped_while_it_starts_again_is_replaced(
    stack_with: Callable[[Service], Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised, "STOPPED_SECONDS", 0.5)
    probe = _Probe()
    stack = stack_with(Service(name="slow-to-start", command=_IDLE, ready_check=probe))
    probe.failing = True
    os.kill(stack.pids()["slow-to-start"], signal.SIGKILL)
    while not probe.asked:
        time.sleep(0.02)
    os.kill(stack.pids()["slow-to-start"], signal.SIGSTOP)
    while stack.starts()["slow-to-start"] < 3:
        time.sleep(0.02)
    probe.failing = False
    while not stack.ready("slow-to-start"):
        time.sleep(0.02)
    assert "was stopped for more than" in (stack.settings.logs_dir / "stack.log").read_text()


def test_full_log_is_rotated_while_its_writer_goes_on(
    stack_with: Callable[[Service], Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datadir, "_MAX_LOG_BYTES", 1000)
    monkeypatch.setattr(supervised, "_PROBE_SECONDS", 0.05)
    talk = "import itertools, time\nfor n in itertools.count(): print('line', n, flush=True); time.sleep(0.001)"
    stack = stack_with(Service(name="talker", command=[sys.executable, "-c", talk]))
    log = stack.settings.logs_dir / "talker.log"
    while not log.with_name("talker.log.3").exists():
        time.sleep(0.02)
    assert stack.starts() == {"talker": 1}
    assert log.read_bytes()[:5] != b"\0" * 5
    assert not log.with_name("talker.log.4").exists()


def test_a_spare_that_is_killed_while_it_starts_is_started_again_and_ends_nothing(
    stack_with: Callable[[Service], Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the worker that stands by may be: all others work without it."""
    monkeypatch.setattr(stack_module, "_SPARE_PAUSE_SECONDS", 0.05)
    stack = stack_with(Service(name="main", command=_IDLE))
    killed = stack.settings.root / "killed"
    program = f"import os, pathlib, time; p = pathlib.Path({str(killed)!r})\n"
    program += "if p.exists(): time.sleep(600)\np.touch(); os.kill(os.getpid(), 9)"
    spare = Service(name="spare", command=[sys.executable, "-c", program], ready_check=_is_there(killed, 0.3))
    stack.add_spare(spare)
    assert killed.exists()
    assert stack.ready("spare")
    assert stack.ready("main")
    assert "spare did not start: ended with signal 9" in (stack.settings.logs_dir / "stack.log").read_text()


def _is_there(path: Path, seconds: float) -> Callable[[], None]:
    """Ready so long after this file was made."""

    def check() -> None:
        if time.time() - path.stat().st_mtime < seconds:
            raise TimeoutError("not yet")

    return check
