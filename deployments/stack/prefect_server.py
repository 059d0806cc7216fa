"""Prefect's API and UI as a part of the stack: one process on the stack's PostgreSQL."""

from __future__ import annotations

import sys

from deployments.stack.credentials import Credentials
from deployments.stack.prefect_blocks import MARK
from deployments.stack.service import HttpCheck, Service
from deployments.stack.settings import StackSettings

# What the server is run with, beyond addresses and secrets. Tune it here.
SERVER_SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "DO_NOT_TRACK": "1",
    # A run's task states are written together instead of one transaction each: twelve of a four-step run. They are
    # seen in the UI up to a second later.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    # The server has more different statements than the 100 that are kept prepared by default.
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_PREPARED_STATEMENT_CACHE_SIZE": "1000",
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_STATEMENT_CACHE_SIZE": "1000",
    # A backlog is not late: marking each of its runs so is one more change of state for every one of them.
    "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "900",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "60",
    # Artifacts and logs of the runs that `prune-history` deletes; events go by themselves after seven days.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,orphans",
    # What an idle server looks for over and over, each time in its database: pauses that are over, what a worker's
    # channel left to clean up, leases that ran out, schedules that were changed a moment ago.
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "15",
}

# Leaves out of the event feed what other tables have; Prefect's own broker is its default.
COPIES_LEFT_OUT = {"PREFECT_SERVER_EVENTS_MESSAGING_BROKER": "deployments.stack.prefect_broker"}

_TUNED = (sys.executable, "-m", "deployments.stack.run_tuned")


def prefect_service(settings: StackSettings, credentials: Credentials) -> Service:
    """Prefect's server for this stack."""
    health = HttpCheck(settings.ports.prefect, "/api/health", timeout=4.0)
    port = str(settings.ports.prefect)
    options = ("--await-database", "--block-types", str(settings.prefect_home / MARK))
    return Service(
        name="prefect",
        command=[*_TUNED, *options, "prefect", "server", "start", "--host", "127.0.0.1", "--port", port],
        env={
            **SERVER_SETTINGS,
            **({} if settings.keep_all_events else COPIES_LEFT_OUT),
            "PREFECT_API_DATABASE_CONNECTION_URL": settings.database_url("prefect", driver="asyncpg"),
            "PREFECT_SERVER_UI_API_URL": f"{settings.prefect_url}/api",
            "PREFECT_SERVER_API_AUTH_STRING": credentials.prefect_auth_string.get_secret_value(),
            "PREFECT_SERVER_ENCRYPTION_KEY": credentials.prefect_encryption_key.get_secret_value(),
        },
        ready_check=health,
        liveness_check=HttpCheck(settings.ports.prefect, "/api/health", timeout=4.0),
        start_timeout=300.0,  # the first start makes some hundred tables and indexes
        stop_timeout=5.0,  # it may wait longer for its clients; all its state is in PostgreSQL
        niceness=3,  # whoever hands a receipt in waits for the gateway, bucket and database, and not for Prefect
    )
