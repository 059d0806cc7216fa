"""The prefork master: a single-threaded process with everything imported; worker and zygotes are forked from it.

Started by `start_prefork_master`. A worker that was killed or hangs is replaced by another fork within milliseconds,
where an interpreter of its own would import for seconds. With `--spare` one more fork does nothing but wait for the
master's death, and is the master then, once the lock is free, which ends with the last process below the first one. A
second master, started by hand, stands by in the same way with an interpreter of its own.
"""

from __future__ import annotations

import argparse
import array
import asyncio
import fcntl
import importlib
import os
import select
import selectors
import signal
import socket
import sys
import time
from types import FrameType
from typing import Any, NoReturn

from prefect.logging.configuration import setup_logging
from prefect.logging.loggers import get_logger

from deployments.warm_worker import zygote
from deployments.warm_worker.code_fingerprint import CodeFingerprint
from deployments.warm_worker.errors import ConfigurationError
from deployments.warm_worker.gc_tuning import freeze_after_imports
from deployments.warm_worker.hang_detector import HangDetector
from deployments.warm_worker.master_link import MasterLink
from deployments.warm_worker.process_control import (
    adopt_orphans,
    die_with_parent,
    kill_children,
    lower_session,
    set_name,
    thread_names,
)

_START = "deployments.warm_worker.start_prefork_master"
_STANDBY_POLL_SECONDS = 0.1
_STANDBY_CODE_SECONDS = 10.0  # a look at all files takes milliseconds
_GO_POLL_SECONDS = 0.1
_SPARE_PAUSE_SECONDS = 1.0
_SPARE_TOLD_SECONDS = 10.0
_GO_ON = signal.SIGUSR1
_TICK_SECONDS = 0.5
_ALIVE_SECONDS = 1.0
_SHORT_LIFE_SECONDS = 1.0  # a worker that dies faster than this would die again: the supervisor starts all afresh
_DESCRIPTOR_BYTES = array.array("i").itemsize


def main(options: argparse.Namespace) -> NoReturn:
    """Import everything, wait for the lock, then keep a worker running until told to stop."""
    setup_logging()
    master = _PreforkMaster(options)
    master.prepare()
    master.await_go()
    master.await_lock()
    sys.exit(master.serve())


class _PreforkMaster:
    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        module, _, self._class_name = options.worker.partition(":")
        self._modules = [module, *options.modules]
        self._code = CodeFingerprint(self._modules)
        self._fingerprint = self._code.fingerprint()
        self._stopping = False
        self._touched = 0.0
        self._logger = get_logger("worker.prefork_master")
        self._hang_detector: HangDetector | None = None
        self._lock = -1
        self._spare = 0
        self._spare_forked = -_SPARE_PAUSE_SECONDS

    def prepare(self) -> None:
        """Import everything that the worker and its processes need."""
        for name in [*self._modules, "deployments.warm_worker.child"]:
            importlib.import_module(name)
        if self._code.watch(*zygote.project_packages()):
            self._fingerprint = self._code.fingerprint()
        if len(thread_names()) > 1:
            raise ConfigurationError(f"importing {self._modules} starts threads ({thread_names()}): none can be forked")
        freeze_after_imports()
        self._become_master()

    def _become_master(self) -> None:
        adopt_orphans()
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)

    def is_current(self) -> bool:
        """Whether the code on disk is still what was imported."""
        return self._code.fingerprint() == self._fingerprint

    def await_go(self) -> None:
        """Return once what the worker works on is there. Nothing works yet, so there is no sign of life either."""
        while self._options.after and not self._options.after.exists():
            if self._stopping:
                sys.exit(0)
            time.sleep(_GO_POLL_SECONDS)

    def await_lock(self) -> None:
        """Return once no other master, nor anything forked from one, is left; with the code as it was a moment ago."""
        self._lock = os.open(self._options.lock, os.O_RDWR | os.O_CREAT, 0o600)
        looked = time.monotonic()
        while not _locked(self._lock):
            if self._stopping:
                sys.exit(0)
            if self._heartbeat() and time.monotonic() - looked > _STANDBY_CODE_SECONDS:
                looked = time.monotonic()
                if self.is_current():
                    continue
                _import_again()
            time.sleep(_STANDBY_POLL_SECONDS)

    def serve(self) -> int:
        """Have a worker running until it ends by itself; its exit code. Nothing below this process is left then."""
        try:
            while not self._stopping:
                began = time.monotonic()
                self._keep_spare()
                code = self._run_worker()
                kill_children(but=self._spare)
                if code >= 0:
                    return code
                self._logger.error("The worker was ended by signal %s", -code)
                if time.monotonic() - began < _SHORT_LIFE_SECONDS or not self.is_current():
                    return 1
            return 0
        finally:
            kill_children()

    def _keep_spare(self, *own: socket.socket) -> None:
        """Have a spare, if one is wanted and none was forked just now; it closes what is this process's own."""
        now = time.monotonic()
        if not self._options.spare or self._has_spare() or now - self._spare_forked < _SPARE_PAUSE_SECONDS:
            return
        self._spare_forked = now
        master = os.getpid()
        try:
            self._spare = os.fork()
        except OSError as error:
            self._logger.warning("No spare could be forked (%s); trying again", error)
            return
        if self._spare == 0:
            for end in own:
                end.close()
            self._run_as_spare(master)

    def _has_spare(self) -> bool:
        if self._spare:
            try:
                self._spare = self._spare if os.waitpid(self._spare, os.WNOHANG)[0] == 0 else 0
            except ChildProcessError:  # it was reaped with others
                self._spare = 0
        return self._spare != 0

    def _run_as_spare(self, master: int) -> NoReturn:
        """Wait for the master's death, then be the master, if told so by whoever has inherited this process."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {_GO_ON})
        set_name(self._options.spare)
        os.setpgid(0, 0)
        os.close(self._lock)  # else it were held as long as this process lives
        _reset_signals()
        _await_end(master)
        if not signal.sigtimedwait({_GO_ON}, _SPARE_TOLD_SECONDS):
            os._exit(1)
        die_with_parent(os.getppid())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {_GO_ON})
        if not self.is_current():
            _import_again()
        set_name("python")
        self._become_master()
        self.await_lock()
        self._logger.warning("The master was killed; its spare goes on")
        sys.exit(self.serve())

    def _run_worker(self) -> int:
        """Fork a worker and stay with it to its end; the signal that ended it is negative."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        wakeup, wakeup_writer = socket.socketpair()
        with ours, wakeup, wakeup_writer:
            with theirs:
                master = os.getpid()
                pid = os.fork()
                if pid == 0:
                    self._run_as_worker(theirs, master)
            for end in (ours, wakeup, wakeup_writer):
                end.setblocking(False)
            signal.signal(signal.SIGCHLD, lambda *_: None)
            signal.set_wakeup_fd(wakeup_writer.fileno(), warn_on_full_buffer=False)
            self._hang_detector = HangDetector(pid)
            try:
                return self._watch(pid, ours, wakeup, wakeup_writer)
            finally:
                signal.set_wakeup_fd(-1)

    def _watch(self, worker: int, link: socket.socket, wakeup: socket.socket, wakeup_writer: socket.socket) -> int:
        waiting = selectors.DefaultSelector()
        waiting.register(link, selectors.EVENT_READ)
        waiting.register(wakeup, selectors.EVENT_READ)
        asked = False
        while True:
            ready = {key.fileobj for key, _ in waiting.select(_TICK_SECONDS)}
            if wakeup in ready and (code := _reaped(wakeup, worker)) is not None:
                return code
            self._keep_spare(link, wakeup, wakeup_writer)
            if link in ready and not self._receive(link, (link, wakeup)):
                waiting.unregister(link)
            self._heartbeat()
            if self._stopping and not asked:
                os.kill(worker, signal.SIGTERM)
                asked = True
            if not asked and self._hang_detector and (reason := self._hang_detector.reason_to_kill()):
                self._logger.error("The worker %s and is killed", reason)
                os.kill(worker, signal.SIGKILL)

    def _receive(self, link: socket.socket, own: tuple[socket.socket, ...]) -> bool:
        """Take one message from the worker: a heartbeat, or with a descriptor the order for a zygote."""
        data, ancillary, _, _ = link.recvmsg(16, socket.CMSG_SPACE(_DESCRIPTOR_BYTES))
        if not data:
            return False
        if self._hang_detector:
            self._hang_detector.on_heartbeat()
        for _, _, descriptors in ancillary:
            with socket.socket(fileno=array.array("i", descriptors)[0]) as theirs:
                master = os.getpid()
                if os.fork() == 0:
                    _run_as_zygote(theirs, master, own)
        return True

    def _heartbeat(self) -> bool:
        """Touch the file, unless the first worker has still to say that it works; whether that was due."""
        now = time.monotonic()
        if now - self._touched < _ALIVE_SECONDS:
            return False
        if self._hang_detector is None or self._hang_detector.has_reported or self._touched:
            if self._options.alive:
                self._options.alive.touch()
            self._touched = now
        return True

    def _run_as_worker(self, link: socket.socket, master: int) -> NoReturn:
        die_with_parent(master)
        _reset_signals()
        worker_class: Any = getattr(sys.modules[self._modules[0]], self._class_name)
        options, master_link = self._options, MasterLink(link, self.is_current)
        worker = worker_class(options.pool, name=options.name, limit=options.limit, master=master_link)
        asyncio.run(worker.start())
        sys.exit(0)

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True


def _run_as_zygote(link: socket.socket, master: int, own: tuple[socket.socket, ...]) -> NoReturn:
    die_with_parent(master)
    _reset_signals()
    for end in own:
        end.close()
    os.setsid()
    lower_session()
    zygote.serve(link)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _locked(descriptor: int) -> bool:
    # flock, since forks share it: it is free only when the last process below the other master has ended.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _reaped(wakeup: socket.socket, worker: int) -> int | None:
    """Reap whoever has ended; the worker's exit code if it was among them."""
    try:
        while wakeup.recv(4096):
            pass
    except BlockingIOError:
        pass
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == 0:
            return None
        if pid == worker:
            return os.waitstatus_to_exitcode(status)


def _await_end(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return  # it has ended since the fork
    select.select([descriptor], [], [])
    os.close(descriptor)


def _import_again() -> NoReturn:
    """Be a new interpreter with the code as it is now, in the same process."""
    os.execv(sys.executable, [sys.executable, "-m", _START, *sys.argv[1:]])  # noqa: S606 - no shell is wanted
