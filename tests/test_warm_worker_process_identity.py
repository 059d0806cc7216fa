"""A process is known by host, boot, pid and start: a living one is never taken for gone, a dead one never for living.

The warm worker and the ledger's pipeline each have their own (neither imports the other); both are held here.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

from deployments.warm_worker import process_identity as of_worker
from flows.ledger.values import ProcessLease
from flows.pipeline import process_identity as of_pipeline

both = pytest.mark.parametrize("module", [of_worker, of_pipeline], ids=["worker", "pipeline"])


def _gone(module: ModuleType, process: Any, silent_seconds: float = 0.0, observed_seconds: float = 1e9) -> bool:
    """`observed_seconds`: how long the server could have been heard."""
    if module is of_pipeline:
        return of_pipeline.process_is_gone(ProcessLease(process, silent_seconds, observed_seconds))
    silence = of_worker.Silence(silent_seconds, min(silent_seconds, observed_seconds))
    return of_worker.process_is_gone(process, silence)


@contextmanager
def _forked(module: ModuleType) -> Iterator[tuple[int, str]]:
    """A forked process that waits, and what it says of itself."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, repr(module.this_process()).encode())
        signal.pause()
        os._exit(0)
    os.close(writing)
    try:
        yield pid, os.read(reading, 4096).decode()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(reading)


@both
def test_a_start_is_the_kernels_in_ticks(module: ModuleType) -> None:
    """What the ledger and Prefect's states already hold stays comparable: field 22 of proc_pid_stat(5)."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    assert module.this_process().pid_started == int(fields[19])


@both
def test_a_forked_process_is_another_one(module: ModuleType) -> None:
    own = module.this_process()
    with _forked(module) as (pid, said):
        started = module.started_ticks(pid)
        assert said == repr(replace(own, pid=pid, pid_started=started))
    os.waitpid(pid, 0)


@both
def test_a_process_is_gone_once_it_has_ended_and_not_before(module: ModuleType) -> None:
    """As a zombie too, which does nothing any more."""
    with _forked(module) as (pid, _):
        process = replace(module.this_process(), pid=pid, pid_started=module.started_ticks(pid))
        assert not _gone(module, process, silent_seconds=1e9)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert _gone(module, process)
    os.waitpid(pid, 0)
    assert _gone(module, process)


@both
def test_a_later_process_with_the_same_pid_is_not_the_one_meant(module: ModuleType) -> None:
    own = module.this_process()
    assert _gone(module, replace(own, pid_started=own.pid_started - 1))


@both
def test_a_process_of_the_boot_before_is_gone_at_once(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "seconds_since_boot", lambda: 20.0)
    before = replace(module.this_process(), boot_id="the boot before")
    assert _gone(module, before, silent_seconds=21.0)


@both
def test_a_copy_of_this_machine_that_lives_is_not_taken_for_its_boot_before(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the same machine-id and another boot, and is heard after this one was booted."""
    monkeypatch.setattr(module, "seconds_since_boot", lambda: 20.0)
    copy = replace(module.this_process(), boot_id="of the copy")
    assert not _gone(module, copy, silent_seconds=12.0)
    monkeypatch.setattr(module, "seconds_since_boot", lambda: 12.0)  # its next heartbeat is still to come
    assert not _gone(module, copy, silent_seconds=14.0)
    monkeypatch.setattr(module, "seconds_since_boot", lambda: 1e6)
    assert not _gone(module, copy, silent_seconds=module.SILENCE_SECONDS - 1)
    assert _gone(module, copy, silent_seconds=module.SILENCE_SECONDS + 1)


@both
def test_nobody_is_given_up_until_the_server_could_be_heard_for_as_long(module: ModuleType) -> None:
    there = replace(module.this_process(), host_id="elsewhere/pid:[1]")
    assert not _gone(module, there, silent_seconds=1000.0, observed_seconds=module.SILENCE_SECONDS - 1)
    assert _gone(module, there, silent_seconds=1000.0, observed_seconds=module.SILENCE_SECONDS + 1)


@both
def test_a_process_of_another_host_is_gone_after_its_silence(module: ModuleType) -> None:
    there = replace(module.this_process(), host_id="elsewhere/pid:[1]")
    assert not _gone(module, there, silent_seconds=module.SILENCE_SECONDS - 1)
    assert _gone(module, there, silent_seconds=module.SILENCE_SECONDS + 1)


@both
def test_setting_the_systems_clock_does_not_change_who_a_process_is(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it is set in the middle: the time of boot moves with the clock, the start in ticks does not."""
    own = module.this_process()
    true = psutil.boot_time()
    for times in ([true - 3600.0], [true, true + 7.0, true + 7.0], [true, true, true - 9.0]):
        told = iter(times)
        last = times[-1]

        def now(told: Iterator[float] = told, last: float = last) -> float:
            return next(told, last)

        monkeypatch.setattr(psutil, "boot_time", now)
        monkeypatch.setattr("psutil._pslinux.boot_time", now)
        assert module.this_process() == own
        assert not _gone(module, own)
