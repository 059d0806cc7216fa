"""A part that answers no probe is killed when it does nothing, and left alone for long while it works; logs rotate."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from deployments.stack import Service, Stack, datadir, supervised
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


# The successor, with its parent's work done and a program of its own left behind, and one that is no successor.
_WITH_SUCCESSOR = """
import ctypes, os, signal, subprocess, sys, time
def called(name): ctypes.CDLL(None).prctl(15, name.encode(), 0, 0, 0)
def fork(name):
    if os.fork() == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        called(name)
        signal.sigwait({signal.SIGUSR1})
        called("python")
        subprocess.Popen(["sleep", "700"])
        time.sleep(600)
fork("somebody")
fork("the-successor")
subprocess.Popen(["sleep", "600"])
time.sleep(600)
"""


@pytest.fixture
def family(stack_with: Callable[[Service], Stack]) -> Stack:
    """A stack of one service, which has a successor."""
    return stack_with(
        Service(name="family", command=[sys.executable, "-c", _WITH_SUCCESSOR], successor="the-successor")
    )


def _successor_of(family: Stack) -> psutil.Process:
    program = psutil.Process(family.pids()["family"])
    while not (successors := [one for one in program.children() if one.name() == "the-successor"]):
        time.sleep(0.02)
    while len(program.children()) < 3:
        time.sleep(0.02)
    return successors[0]


def _gone_on(family: Stack, successor: psutil.Process) -> bool:
    return family.pids().get("family") == successor.pid


def test_the_successor_of_a_killed_part_goes_on_and_nothing_else_of_it(family: Stack) -> None:
    successor, program = _successor_of(family), psutil.Process(family.pids()["family"])
    others = [one for one in program.children() if one != successor]
    program.kill()
    while not _gone_on(family, successor):
        time.sleep(0.02)
    psutil.wait_procs(others, timeout=10)
    assert not any(one.is_running() for one in others)
    assert successor.is_running()
    assert family.ready("family")
    assert family.starts() == {"family": 2}
    while not successor.children():
        time.sleep(0.02)  # what it starts then is its own
    successor.kill()  # it has none, and so the part is started again
    while family.pids().get("family") in {None, successor.pid}:
        time.sleep(0.02)
    assert family.starts() == {"family": 3}


def test_a_part_whose_successor_was_killed_before_is_started_again(family: Stack) -> None:
    successor, program = _successor_of(family), psutil.Process(family.pids()["family"])
    successor.kill()
    while successor.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.02)
    program.kill()
    while family.pids().get("family") in {None, program.pid}:
        time.sleep(0.02)
    assert "ended with signal 9; starting it again" in (family.settings.logs_dir / "stack.log").read_text()


def test_the_successor_of_a_part_that_hangs_goes_on(family: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "STOPPED_SECONDS", 0.5)
    successor, program = _successor_of(family), psutil.Process(family.pids()["family"])
    program.send_signal(signal.SIGSTOP)
    while not _gone_on(family, successor):
        time.sleep(0.02)
    assert not program.is_running()
    assert "was stopped for more than" in (family.settings.logs_dir / "stack.log").read_text()


def test_no_successor_outlives_a_part_that_is_told_to_stop_or_whose_guardian_is_killed(family: Stack) -> None:
    successor, program = _successor_of(family), psutil.Process(family.pids()["family"])
    guardian = program.parent()
    assert guardian is not None
    guardian.kill()
    while family.pids().get("family") in {None, program.pid}:
        time.sleep(0.02)
    psutil.wait_procs([successor, program], timeout=10)
    assert not successor.is_running()
    successor = _successor_of(family)
    family.stop()
    assert not successor.is_running()
