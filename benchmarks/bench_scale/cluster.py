"""The parts of a pipeline as they run beyond one machine, each on an address of its own, supervised like the stack's.

PostgreSQL listens on TCP. Prefect runs either as one server with messages in memory, or as two API servers and the
background services with Redis between them. A host is a worker with a folder of its own; where the kernel allows it,
in a process namespace of its own too, so that hosts do not see each other's processes.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench_scale.redis_server import redis_service
from deployments.provisioning.names import POOL
from deployments.receipt_worker import ReceiptWorker
from deployments.stack import HttpCheck, Service
from deployments.stack.credentials import Credentials
from deployments.stack.postgres import postgres_service
from deployments.stack.prefect_server import SERVER_SETTINGS
from deployments.stack.settings import Ports, StackSettings
from flows.pipeline.durable_step import EXECUTION_LOG

_NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child=SIGTERM")
_SERVER = (sys.executable, "-m", "deployments.stack.run_tuned", "prefect", "server")
_START_SECONDS = 300.0
PORTS = Ports.COUNT + 3  # PostgreSQL's, Redis's and the second server's come behind the stack's own


@dataclass(frozen=True)
class Cluster:
    """Addresses and services. `shared`: two API servers with Redis between them, otherwise one with its own memory."""

    settings: StackSettings
    credentials: Credentials
    shared: bool

    def _port(self, offset: int) -> int:
        return self.settings.port + self.settings.ports.COUNT + offset

    @property
    def postgres_port(self) -> int:
        """PostgreSQL's port; its checks find it through PGPORT."""
        return self._port(0)

    def database_url(self, database: str, driver: str = "psycopg") -> str:
        """A database's address over TCP."""
        return f"postgresql+{driver}://postgres@127.0.0.1:{self.postgres_port}/{database}"

    def api_url(self, server: str) -> str:
        """The address of one API server, `a` or `b`."""
        return f"http://127.0.0.1:{self._server_port(server)}/api"

    def _server_port(self, server: str) -> int:
        return {"a": self.settings.ports.prefect, "b": self._port(2)}[server]

    def foundations(self) -> list[Service]:
        """PostgreSQL on TCP and Prefect's server or servers."""
        local = postgres_service(self.settings)
        options = ("-c", "listen_addresses=127.0.0.1", "-c", f"port={self.postgres_port}")
        postgres = dataclasses.replace(local, command=[*local.command, *options])
        if not self.shared:
            return [postgres, self._server("a", {})]
        redis = redis_service(self._port(1), self.settings.root / "redis")
        between = self._redis_settings()
        servers = [self._server(name, between, "--no-services") for name in ("a", "b")]
        # The tables are made by the first; the second waits for it.
        servers[1] = dataclasses.replace(servers[1], needs=("postgres", "redis", "server-a"))
        return [postgres, redis, *servers, self._background(between)]

    def _redis_settings(self) -> dict[str, str]:
        """What makes several servers one: messages, their deduplication and order, leases and tasks in Redis."""
        url = f"redis://127.0.0.1:{self._port(1)}"
        return {
            "PREFECT_MESSAGING_BROKER": "prefect_redis.messaging",
            "PREFECT_MESSAGING_CACHE": "prefect_redis.messaging",
            "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
            "PREFECT_SERVER_WORKER_CHANNEL_CLEANUP_QUEUE_STORAGE": "prefect_redis.cleanup_queue",
            "PREFECT_REDIS_MESSAGING_URL": f"{url}/0",
            "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL": f"{url}/0",
            "PREFECT_SERVER_DOCKET_URL": f"{url}/1",
        }

    def _server_settings(self, extra: Mapping[str, str], port: int) -> dict[str, str]:
        return {
            **SERVER_SETTINGS,
            **extra,
            "PREFECT_API_DATABASE_CONNECTION_URL": self.database_url("prefect", "asyncpg"),
            "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_API_AUTH_STRING": self.credentials.prefect_auth_string.get_secret_value(),
            "PREFECT_SERVER_ENCRYPTION_KEY": self.credentials.prefect_encryption_key.get_secret_value(),
        }

    def _server(self, name: str, extra: Mapping[str, str], *options: str) -> Service:
        port = self._server_port(name)
        command = [*_SERVER, "start", "--host", "127.0.0.1", "--port", str(port)]
        return Service(
            name=f"server-{name}",
            command=[*command, *options],
            env=self._server_settings(extra, port),
            ready_check=HttpCheck(port, "/api/health", timeout=4.0),
            liveness_check=HttpCheck(port, "/api/health", timeout=4.0),
            needs=("postgres", "redis") if self.shared else ("postgres",),
            start_timeout=_START_SECONDS,
            stop_timeout=5.0,
        )

    def _background(self, extra: Mapping[str, str]) -> Service:
        return Service(
            name="services",
            command=[*_SERVER, "services", "start"],
            env=self._server_settings(extra, self._server_port("a")),
            needs=("server-a",),
            stop_timeout=5.0,
        )

    def environment(self, server: str) -> dict[str, str]:
        """What leads a program to this cluster through one of its API servers."""
        return {"PREFECT_API_URL": self.api_url(server), "RECEIPTFLOW_LEDGER_URL": self.database_url("ledger")}

    def gateway(self) -> Service:
        """The upload API, which submits to server a."""
        return Service(
            name="gateway",
            command=(sys.executable, "-m", "deployments.gateway"),
            env=self.environment("a"),
            needs=("postgres", "seaweedfs"),
            ready_check=HttpCheck(self.settings.ports.gateway, "/ready"),
            stop_timeout=15.0,
        )

    def executions(self, host: str) -> Path:
        """The execution log of one host."""
        return self.settings.root / f"host-{host}" / "executions"

    def host(
        self, name: str, *, server: str, processes: int, pool: str = POOL, kind: str = ReceiptWorker.type
    ) -> Service:
        """A worker as it runs on a host of its own: other folders, other processes, one API server."""
        folder = self.executions(name).parent
        folder.mkdir(exist_ok=True)
        arguments = ["worker", "start", "--pool", pool, "--type", kind, "--name", f"host-{name}"]
        own = {
            "PREFECT_HOME": str(folder / "prefect"),
            "RECEIPTFLOW_DATA_DIR": str(folder),
            EXECUTION_LOG: str(self.executions(name)),
        }
        return Service(
            name=f"host-{name}",
            command=[*namespace(), sys.executable, "-m", "prefect", *arguments, "--limit", str(processes)],
            env={**self.environment(server), **own},
            needs=(f"server-{server}",),
            stop_signal=signal.SIGKILL,  # unshare ignores all others; what it started gets a SIGTERM then
            niceness=5,
        )


def namespace() -> tuple[str, ...]:
    """The command that starts a program in a process namespace of its own; empty where that is not allowed."""
    try:
        tried = subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return ()
    return _NAMESPACE if tried.returncode == 0 else ()


def provision(environment: Mapping[str, str]) -> None:
    """`receiptflow provision --create`, as it is run against parts elsewhere."""
    command = [str(Path(sys.executable).with_name("receiptflow")), "provision", "--create"]
    subprocess.run(command, env={**os.environ, **environment}, check=True, timeout=_START_SECONDS, capture_output=True)
