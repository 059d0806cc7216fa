"""The embedded stack as a whole: starts its parts side by side, gives their addresses, stops them in order."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from deployments.stack.credentials import Credentials, load_credentials, write_private
from deployments.stack.datadir import DataLock, make_folders, require_free_ports
from deployments.stack.environment import STATE_FILE, child_environment, stack_environment
from deployments.stack.postgres import postgres_service
from deployments.stack.prefect_server import prefect_service
from deployments.stack.seaweedfs import seaweedfs_service
from deployments.stack.service import Service
from deployments.stack.settings import StackSettings
from deployments.stack.supervised import Supervised

CORE = ("postgres", "seaweedfs", "prefect")
_log = logging.getLogger("receiptflow.stack")


class Stack:
    """PostgreSQL, SeaweedFS, Prefect's server and the caller's own services, supervised by this process.

    `core` can leave parts out (tests need only some). Services of the caller start when their `needs` are ready;
    more can be added later with `add`. Nothing that was started outlives this process, however it ends.
    """

    def __init__(
        self, settings: StackSettings, services: Sequence[Service] = (), *, core: Sequence[str] = CORE
    ) -> None:
        self.settings = settings
        self._services, self._core = tuple(services), tuple(core)
        self._parts: dict[str, Supervised] = {}
        self._lock = DataLock(settings.root)
        self._credentials: Credentials | None = None
        self._stop_requested = threading.Event()
        self._log_handler: logging.FileHandler | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def credentials(self) -> Credentials:
        """The stack's credentials, made at its first start."""
        if self._credentials is None:
            self._credentials = load_credentials(self.settings.root)
        return self._credentials

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead a client or a child process to this stack."""
        return stack_environment(self.settings, self.credentials)

    @property
    def endpoints(self) -> dict[str, str]:
        """Addresses to open or connect to, by part."""
        return {
            "prefect": self.settings.prefect_url,
            "gateway": self.settings.gateway_url,
            "s3": self.settings.s3_url,
            "ledger": self.settings.database_url("ledger"),
        }

    def pids(self) -> dict[str, int]:
        """Process id of each part that runs now."""
        return {name: part.pid for name, part in self._parts.items() if part.pid is not None}

    def starts(self) -> dict[str, int]:
        """How often each part was started, the first time included."""
        return {name: part.starts for name, part in self._parts.items()}

    def ready(self, name: str) -> bool:
        """Whether this part is up and answered its ready check."""
        return self._parts[name].ready.is_set()

    def start(self) -> None:
        """Start everything and return when all of it is ready.

        Raises:
            StackError: one line that says what to do; nothing is left running.
        """
        self.begin(*self._services)
        try:
            self.await_ready()
        except BaseException:
            self.stop()
            raise

    def begin(self, *services: Service) -> None:
        """Start the core and these services, each as soon as its `needs` are ready, and return without waiting.

        Raises:
            StackError: one line that says what to do; nothing is left running.
        """
        make_folders(self.settings)
        self._lock.acquire()
        self._log_to_file()
        try:
            require_free_ports(self.settings.ports)
            self._start_parts([*self._core_services(), *services])
        except BaseException:
            self.stop()
            raise

    @contextmanager
    def begun(self, *services: Service) -> Iterator[Self]:
        """The stack as `begin` leaves it; stopped at the end of the block."""
        self.begin(*services)
        try:
            yield self
        finally:
            self.stop()

    def await_ready(self, *names: str) -> None:
        """Return when these parts are ready, without names all that were started.

        Raises:
            ServiceFailedError: one did not become ready; the others go on.
        """
        for part in [self._parts[name] for name in names or self._parts]:
            part.start_decided.wait()
            if part.failure is not None:
                raise part.failure
        self._write_state()

    def add(self, *services: Service) -> None:
        """Start more services on the running stack and return when they are ready.

        Raises:
            ServiceFailedError: one did not become ready; the others go on.
        """
        self._start_parts(services)
        self.await_ready(*(service.name for service in services))

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """Within the block SIGINT, SIGTERM and SIGHUP request the stop. From the main thread only."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, lambda *_: self.request_stop()) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def wait(self) -> None:
        """Wait until the stop is requested, however early that was."""
        self._stop_requested.wait()

    def request_stop(self) -> None:
        """Make `wait` return."""
        self._stop_requested.set()

    def stop(self) -> None:
        """Stop the caller's services in reverse order, then the core, PostgreSQL last; release the data folder."""
        for part in reversed([part for name, part in self._parts.items() if name not in CORE]):
            part.stop()
        self._stop_together([name for name in self._parts if name in CORE and name != "postgres"])
        self._stop_together(["postgres"])
        self._parts.clear()
        if self._lock.descriptor >= 0 and not self.settings.socket_dir.is_relative_to(self.settings.root):
            shutil.rmtree(self.settings.socket_dir)
        self._lock.release()
        if self._log_handler is not None:
            _log.removeHandler(self._log_handler)
            self._log_handler.close()

    def _log_to_file(self) -> None:
        """Keep what the supervisor itself does beside the logs of the parts."""
        self._log_handler = logging.FileHandler(self.settings.logs_dir / "stack.log")
        self._log_handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        _log.addHandler(self._log_handler)
        _log.setLevel(logging.INFO)

    def _stop_together(self, names: Sequence[str]) -> None:
        threads = [threading.Thread(target=self._parts[name].stop) for name in names if name in self._parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _core_services(self) -> list[Service]:
        made = {
            "postgres": lambda: postgres_service(self.settings),
            "seaweedfs": lambda: seaweedfs_service(self.settings, self.credentials),
            "prefect": lambda: prefect_service(self.settings, self.credentials),
        }
        return [made[name]() for name in self._core]

    def _start_parts(self, services: Sequence[Service]) -> None:
        env = child_environment(self.environment)
        for service in services:
            part = Supervised(
                service,
                {**env, **service.env},
                cwd=self.settings.root,
                log=self.settings.logs_dir / f"{service.name}.log",
                keep_open=self._lock.descriptor,
            )
            self._parts[service.name] = part
            part.start([self._parts[name] for name in service.needs])

    def _write_state(self) -> None:
        state = {
            "pid": os.getpid(),
            "port": self.settings.port,
            "pids": self.pids(),
            "endpoints": self.endpoints,
            "environment": self.environment,
        }
        write_private(self.settings.root / STATE_FILE, json.dumps(state, indent=1))
