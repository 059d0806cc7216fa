"""The zygote: one single-threaded process with everything imported, from which warm children are forked.

Forked by the master, or run as `python -m deployments.warm_worker.zygote FD` where there is none or its code is out of
date. FD is a SEQPACKET socket to the worker. Orders come in as JSON
(`preload`, `fork` with the child's own socket attached); what happened goes back (`ready`, `forked`, `exited`).
It never talks to the network and never starts a thread: a fork in a threaded process can deadlock.
"""

from __future__ import annotations

import array
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import sysconfig
import traceback
from contextlib import suppress
from typing import Any, NoReturn

from deployments.warm_worker.gc_tuning import freeze_after_imports
from deployments.warm_worker.process_control import MESSAGE_BYTES, die_with_parent, lower_session, thread_names

_INT_BYTES = array.array("i").itemsize


def main() -> None:
    """Serve orders until the worker goes away; every process below ends with it."""
    die_with_parent(int(sys.argv[2]))
    lower_session()
    serve(socket.socket(fileno=int(sys.argv[1])))


def serve(link: socket.socket) -> NoReturn:
    """Take orders from this socket until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker decides when we end, not the terminal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    importlib.import_module("deployments.warm_worker.child")
    _Zygote(link).serve()


class _Zygote:
    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._wakeup, wakeup_writer = socket.socketpair()
        self._wakeup.setblocking(False)
        wakeup_writer.setblocking(False)
        self._wakeup_writer = wakeup_writer
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup_writer.fileno(), warn_on_full_buffer=False)

    def serve(self) -> NoReturn:
        waiting = selectors.DefaultSelector()
        waiting.register(self._link, selectors.EVENT_READ, self._take_order)
        waiting.register(self._wakeup, selectors.EVENT_READ, self._reap)
        while True:
            for key, _ in waiting.select():
                key.data()

    def _take_order(self) -> None:
        data, ancillary, _, _ = self._link.recvmsg(MESSAGE_BYTES, socket.CMSG_SPACE(_INT_BYTES))
        if not data:
            os._exit(0)
        order = json.loads(data)
        if order["op"] == "preload":
            self._preload(order["modules"])
        else:
            descriptors = array.array("i", ancillary[0][2])
            self._fork(order, socket.socket(fileno=descriptors[0]))

    def _preload(self, modules: list[str]) -> None:
        failures = {name: failure for name in modules if (failure := _import(name))}
        freeze_after_imports()
        threads, packages = thread_names(), project_packages()
        self._send(event="ready", pid=os.getpid(), failures=failures, threads=threads, packages=packages)

    def _fork(self, order: dict[str, Any], child_link: socket.socket) -> None:
        zygote_pid = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._run_as_child(order, child_link, zygote_pid)
        with suppress(OSError):  # the child does the same; whoever comes first
            os.setpgid(pid, pid)
        child_link.close()
        self._send(event="forked", number=order["number"], pid=pid)

    def _run_as_child(self, order: dict[str, Any], child_link: socket.socket, zygote_pid: int) -> None:
        status = 1
        try:
            die_with_parent(zygote_pid)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._link.close()
            self._wakeup.close()
            self._wakeup_writer.close()
            os.setpgid(0, 0)
            child = importlib.import_module("deployments.warm_worker.child")
            child.serve(child_link, environment=order["environment"], nice=order["nice"])
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            while self._wakeup.recv(4096):
                pass
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)  # programs that the child started must not outlive it
                self._send(event="exited", pid=pid, status=status)

    def _send(self, **message: Any) -> None:
        self._link.sendall(json.dumps(message).encode())


def _import(name: str) -> str | None:
    """Import a module; return the traceback if that fails: the run that needs it will fail with it again."""
    try:
        importlib.import_module(name)
    except Exception:
        return traceback.format_exc()
    return None


def project_packages() -> list[str]:
    """Top-level packages that are neither Python's nor installed: an editable project's, whose files may change."""
    installed = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}", sysconfig.get_path("stdlib"))
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    own = {name for name, file in files.items() if file and not any(part in file for part in installed)}
    return sorted({name.partition(".")[0] for name in own} - {"__main__"})


if __name__ == "__main__":
    main()
