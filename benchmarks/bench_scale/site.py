"""A running cluster: provisioned as its users do it, asked from outside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from benchmarks.bench.observed import Observed, TooSlowError
from benchmarks.bench_scale.cluster import Cluster, provision
from deployments.stack import Stack
from deployments.stack.credentials import load_credentials
from deployments.stack.datadir import make_folders
from deployments.stack.settings import StackSettings

HOSTS = ("a", "b")


class Site(Observed):
    """A cluster that runs."""

    def __init__(self, cluster: Cluster, stack: Stack) -> None:
        settings = cluster.settings
        logs = [cluster.executions(host) for host in HOSTS]
        super().__init__(settings.gateway_url, cluster.database_url("ledger"), settings.logs_dir, logs)
        self.cluster, self._stack = cluster, stack

    @property
    def supervisor_pid(self) -> int:
        """This very process."""
        return os.getpid()

    def pids(self) -> dict[str, int]:
        """Process id of each part."""
        return self._stack.pids()

    def require_alive(self) -> None:
        """Raise if a part had to be started again: then nothing is measured."""
        again = [name for name, starts in self._stack.starts().items() if starts > 1 and not name.startswith("host-")]
        if again:
            raise TooSlowError(f"{', '.join(again)} ended and was started again; see {self._logs}")

    def connect(self) -> None:
        """Open the ledger and make a key."""
        port = self.cluster.postgres_port
        self.database = psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="ledger", autocommit=True)
        self.key = self.new_key("bench")

    def join(self, host: str, *, server: str, processes: int) -> None:
        """Let a host join the pool through one of the API servers."""
        self._stack.add(self.cluster.host(host, server=server, processes=processes))


@contextmanager
def running(settings: StackSettings, *, shared: bool) -> Iterator[Site]:
    """PostgreSQL, S3, Prefect and the gateway, ready for hosts to join."""
    make_folders(settings)
    cluster = Cluster(settings, load_credentials(settings.root), shared)
    os.environ["PGPORT"] = str(cluster.postgres_port)
    with Stack(settings, cluster.foundations(), core=("seaweedfs",)) as stack:
        provision({**stack.environment, **cluster.environment("a")})
        stack.add(cluster.gateway())
        site = Site(cluster, stack)
        site.connect()
        yield site
