"""Keeps one part of the stack running: starts it, waits until it is ready, probes it, restarts it, stops it."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from deployments.stack.datadir import log_tail, rotate_log
from deployments.stack.errors import ServiceFailedError
from deployments.stack.service import Check, Service
from deployments.warm_worker.hang_detector import STOPPED_SECONDS, is_hung
from deployments.warm_worker.process_control import cpu_seconds, is_stopped

_GUARDIAN = Path(__file__).with_name("guardian.py")
_READY_POLL_SECONDS = 0.1
_PROBE_SECONDS = 2.0
_STOPPED_POLL_SECONDS = 1.0
_STOPPED_REASON = f"was stopped for more than {STOPPED_SECONDS:.0f} s"
_BACKOFF_SECONDS = (0.0, 0.2, 0.5, 1.0, 2.0)
# After so long without a failure the next restart is at once again.
_STEADY_SECONDS = 20.0

_log = logging.getLogger("receiptflow.stack")


class Supervised:
    """One part and the thread that keeps it running."""

    def __init__(self, service: Service, env: Mapping[str, str], *, cwd: Path, log: Path, keep_open: int) -> None:
        self.service = service
        self.ready = threading.Event()
        self.start_decided = threading.Event()  # ready for the first time, or failed for good
        self.failure: ServiceFailedError | None = None
        self.pid: int | None = None
        self.starts = 0
        self._env, self._cwd, self._log_path, self._keep_open = dict(env), cwd, log, keep_open
        self._needs: list[Supervised] = []
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._guardian: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._log_start = 0
        self._stopped_since: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"stack-{service.name}", daemon=True)

    def start(self, needs: list[Supervised]) -> None:
        """Begin, once the parts that it needs are ready."""
        self._needs = needs
        self._thread.start()

    def stop(self) -> None:
        """End the part in order, by force after its `stop_timeout`."""
        self._stopping.set()
        with self._lock:
            self._signal(self.service.stop_signal)
        self._thread.join(self.service.stop_timeout)
        if self._thread.is_alive():
            _log.warning("%s did not stop within %.0f s and is killed", self.service.name, self.service.stop_timeout)
            self.kill()
            self._thread.join()

    def kill(self) -> None:
        """End the part and everything that it started, at once."""
        with self._lock:
            if self._control is not None:
                self._control.shutdown(socket.SHUT_WR)  # the guardian reads end of file and kills all

    def _signal(self, number: int) -> None:
        if self._control is not None:
            try:
                self._control.send(bytes([number]))
            except (BrokenPipeError, ConnectionResetError):
                return  # it has just ended by itself

    def _run(self) -> None:
        try:
            if self._await_needs():
                self._keep_running()
        except Exception as error:
            _log.debug("%s cannot be kept running", self.service.name, exc_info=True)
            self._fail(str(error).rstrip("."))
        finally:
            self.ready.clear()
            self.start_decided.set()

    def _await_needs(self) -> bool:
        for need in self._needs:
            need.start_decided.wait()
            if need.failure or self._stopping.is_set():
                return False
        return True

    def _keep_running(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            reason = self._run_once()
            if self._stopping.is_set():
                return
            if not self.start_decided.is_set():
                self._fail(reason)
                return
            failures = 0 if time.monotonic() - began > _STEADY_SECONDS else failures + 1
            pause = _BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS) - 1)] if failures > 1 else 0.0
            _log.warning("%s %s; starting it again in %.1f s", self.service.name, reason, pause)
            self._stopping.wait(pause)

    def _run_once(self) -> str:
        """Start the part and stay with it to its end; why it ended."""
        self._launch()
        try:
            reason = self._await_ready()
            if reason is None:
                self._become_ready()
                reason = self._watch()
        finally:
            self.ready.clear()
            code = self._finish()
        return reason or f"ended with {_exit_text(code)}"

    def _launch(self) -> None:
        if self.service.prepare is not None:
            self.service.prepare()
        ours, theirs = socket.socketpair()
        rotate_log(self._log_path)
        service = self.service
        options = [str(theirs.fileno()), service.user, str(service.niceness), service.successor, *service.command]
        with theirs, self._log_path.open("ab") as log:
            self._log_start = log.tell()
            self._guardian = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARDIAN), *options],
                env=self._env,
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(), self._keep_open),
                start_new_session=True,  # a terminal's Ctrl-C is for the supervisor alone
            )
        with self._lock:
            self._control, self._unread = ours, b""
            if self._stopping.is_set():
                ours.shutdown(socket.SHUT_WR)
        self.starts += 1
        self._stopped_since = None
        self._await_pid()

    def _await_pid(self) -> None:
        line = self._next_line(timeout=None)
        self.pid = int(line.removeprefix("pid ")) if line and line.startswith("pid ") else None

    def _go_on_with_successor(self, line: str) -> None:
        killed, self.pid = self.pid, int(line.removeprefix("pid "))
        self.starts += 1
        self._stopped_since = None
        _log.warning("%s (process %s) was killed; process %s goes on", self.service.name, killed, self.pid)

    def _next_line(self, timeout: float | None) -> str | None:
        """The next line from the guardian; None after `timeout`, empty once it is gone."""
        control = self._control
        if control is None:
            return ""
        while b"\n" not in self._unread:
            if not select.select([control], [], [], timeout)[0]:
                return None
            data = control.recv(256)
            if not data:
                return ""
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()

    def _ended(self, timeout: float) -> bool:
        """Whether the program has ended, waiting for it so long. Its last line stays for `_finish`."""
        if b"exit" in self._unread:
            return True
        line = self._next_line(timeout)
        if line and line.startswith("pid "):
            self._go_on_with_successor(line)
            return False
        if line:
            self._unread = f"{line}\n".encode() + self._unread
        return line is not None

    def _await_ready(self) -> str | None:
        """None once it is ready, otherwise why it is not."""
        check = self.service.ready_check
        deadline = time.monotonic() + self.service.start_timeout
        problem: Exception | None = None
        while not self._ended(_READY_POLL_SECONDS):
            if self._stopped_seconds() > STOPPED_SECONDS:
                return _STOPPED_REASON
            if self._stopped_since:
                continue
            problem = _problem(check)
            if problem is None:
                return None
            if time.monotonic() > deadline:
                return f"was not ready within {self.service.start_timeout:.0f} s ({problem})"
        return ""

    def _become_ready(self) -> None:
        if self.service.provision is not None and not self.start_decided.is_set():
            self.service.provision()
        self.ready.set()
        self.start_decided.set()
        _log.info("%s is ready (process %s)", self.service.name, self.pid)

    def _watch(self) -> str | None:
        """Probe until it ends or hangs; why, or None if it ended by itself."""
        failing_since, cpu_then = 0.0, 0.0
        while not self._ended(_STOPPED_POLL_SECONDS if self._stopped_since else _PROBE_SECONDS):
            if self._stopped_seconds(failing_since) > STOPPED_SECONDS:
                if not self._left_to_successor(_STOPPED_REASON):
                    return _STOPPED_REASON
                failing_since = 0.0
            if self._stopped_since:
                continue
            asked, cpu = time.monotonic(), cpu_seconds(self._pid)
            problem = _problem(self.service.liveness_check)
            rotate_log(self._log_path)
            if problem is None:
                failing_since = 0.0
                continue
            if not failing_since:
                failing_since, cpu_then = asked, cpu
            silent = time.monotonic() - failing_since
            if is_hung(self._pid, silent, cpu_then):
                reason = f"answered no probe for {silent:.0f} s ({problem})"
                if not self._left_to_successor(reason):
                    return reason
                failing_since = 0.0
        return None

    def _left_to_successor(self, reason: str) -> bool:
        """Kill the program alone where it may have a successor; should it have none, the guardian reports its end."""
        if not self.service.successor:
            return False
        _log.warning("%s %s and is killed", self.service.name, reason)
        with self._lock:
            self._signal(signal.SIGKILL)
        self._stopped_since = None
        return True

    def _stopped_seconds(self, silent_since: float = 0.0) -> float:
        """For how long the part has been stopped, counted from when it fell silent if that is known."""
        if not is_stopped(self._pid):
            self._stopped_since = None
            return 0.0
        self._stopped_since = self._stopped_since or silent_since or time.monotonic()
        return time.monotonic() - self._stopped_since

    @property
    def _pid(self) -> int:
        """The process's id; 0, which no process has, while there is none."""
        return self.pid or 0

    def _finish(self) -> int | None:
        """Kill what is left, wait until all of it is gone; the program's exit code if it ended by itself."""
        self.kill()
        code: int | None = None
        while line := self._next_line(timeout=None):
            if line.startswith("exit "):
                code = int(line.removeprefix("exit "))
        if self._guardian is not None:
            self._guardian.wait()
            if code is None:
                _kill_session(self._guardian.pid)
        with self._lock:
            if self._control is not None:
                self._control.close()
            self._control, self.pid = None, None
        return code

    def _fail(self, reason: str) -> None:
        tail = log_tail(self._log_path, self._log_start)
        self.failure = ServiceFailedError(self.service.name, reason, self._log_path, tail)


def _problem(check: Check | None) -> Exception | None:
    try:
        if check is not None:
            check()
    except Exception as error:  # whatever a check raises is its way to say no
        return error
    return None


def _kill_session(leader: int) -> None:
    """Kill what a killed guardian could not. The program itself has died with it, but not what that started."""
    for pid in psutil.pids():
        with suppress(ProcessLookupError):  # it ended while we looked
            if os.getsid(pid) == leader:
                os.kill(pid, signal.SIGKILL)


def _exit_text(code: int | None) -> str:
    if code is None:
        return "its guardian"
    return f"signal {-code}" if code < 0 else f"status {code}"
