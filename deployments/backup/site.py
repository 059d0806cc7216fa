"""What a backup is taken of and restored to: the ledger's database, the buckets, and of an embedded stack its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from deployments.backup.errors import BackupError
from deployments.backup.postgres_tools import connect, dumping
from deployments.s3 import s3_client
from deployments.settings import GatewaySettings
from deployments.stack.settings import StackSettings
from flows.ledger.database import driver_url
from flows.storage import Inbox

# Rows of Prefect's history and of what is at work just now. Blocks, variables, deployments with their schedules, work
# pools, limits and automations stay.
_HISTORY = (
    "flow_run",
    "flow_run_state",
    "flow_run_input",
    "task_run",
    "task_run_state",
    "task_run_state_cache",
    "artifact",
    "artifact_collection",
    "log",
    "events",
    "event_resources",
    "worker",
    "agent",
    "csrf_token",
    "automation_bucket",
    "automation_event_follower",
    "composite_trigger_child_firing",
)
_FREE_SLOTS = (
    "UPDATE concurrency_limit_v2 SET active_slots = 0, denied_slots = 0",
    "UPDATE concurrency_limit SET active_slots = '[]'",
)


@dataclass(frozen=True)
class Site:
    """A pipeline's parts. `root` is an embedded stack's data folder, None where the parts run elsewhere."""

    ledger_url: str
    s3: Any
    inbox_bucket: str
    results_bucket: str
    root: Path | None

    @property
    def ledger_name(self) -> str:
        """The ledger's database."""
        return str(driver_url(self.ledger_url).database)

    @property
    def prefect_url(self) -> str | None:
        """Prefect's database of an embedded stack; one that runs elsewhere is its own operator's to back up."""
        return StackSettings(data_dir=self.root).database_url("prefect") if self.root else None

    def bucket(self, name: str) -> Inbox:
        """One of the buckets."""
        return Inbox(self.s3, name)


def site_of(environment: Mapping[str, str], root: Path | None) -> Site:
    """The site that the gateway's environment variables describe.

    Raises:
        BackupError: one is missing.
    """
    named = {name.removeprefix("RECEIPTFLOW_").lower(): value for name, value in environment.items()}
    known = {name: named[name] for name in GatewaySettings.model_fields if name in named}
    try:
        settings = GatewaySettings(**known)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = ", ".join(f"RECEIPTFLOW_{'_'.join(map(str, one['loc'])).upper()}" for one in error.errors())
        raise BackupError(
            f"No stack in the data folder, and in the environment is missing or wrong: {wrong}. Name the stack's "
            "folder (--data), or the addresses of the parts (docs/scaling.md)."
        ) from error
    return Site(
        ledger_url=settings.ledger_url.get_secret_value(),
        s3=s3_client(settings, settings.s3_endpoint_url),
        inbox_bucket=settings.inbox_bucket,
        results_bucket=settings.results_bucket,
        root=root,
    )


@contextmanager
def dumping_settings(prefect_url: str) -> Iterator[IO[bytes]]:
    """Prefect's database without its runs, as a stream."""
    with dumping(prefect_url, *(f"--exclude-table-data={table}" for table in _HISTORY)) as output:
        yield output


def free_slots(prefect_url: str) -> None:
    """Nothing is at work in a restored Prefect, so nothing holds a slot of a concurrency limit."""
    with connect(prefect_url) as connection:
        for statement in _FREE_SLOTS:
            connection.execute(statement)
