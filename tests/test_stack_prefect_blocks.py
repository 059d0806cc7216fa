"""Prefect's block types are registered in a new database and after an update, and not sought anew at each start."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import psycopg

from deployments.stack import Stack
from deployments.stack.prefect_blocks import MARK, _installed
from deployments.stack.settings import StackSettings

_SLACK, _BUCKET = "slack-webhook", "s3-bucket"


def block_types(settings: StackSettings) -> set[str]:
    with psycopg.connect(host=str(settings.socket_dir), user="postgres", dbname="prefect") as connection:
        return {slug for (slug,) in connection.execute("SELECT slug FROM block_type").fetchall()}


def forget_slack(settings: StackSettings) -> None:
    with psycopg.connect(host=str(settings.socket_dir), user="postgres", dbname="prefect") as connection:
        connection.execute("DELETE FROM block_type WHERE slug = %s", [_SLACK])


def start_prefect_again(stack: Stack) -> None:
    started = stack.starts()["prefect"]
    os.kill(stack.pids()["prefect"], signal.SIGKILL)
    while stack.starts()["prefect"] == started or not stack.ready("prefect"):
        time.sleep(0.1)


def test_block_types_are_registered_once(stack_settings: Callable[[], StackSettings]) -> None:
    settings = stack_settings()
    settings.prefect_home.mkdir(parents=True)
    mark = settings.prefect_home / MARK
    mark.write_text(_installed())  # of a database that is gone
    with Stack(settings, core=["postgres", "prefect"]) as stack:
        assert stack.starts() == {"postgres": 1, "prefect": 1}  # the one waited for the other's database
        assert {_SLACK, _BUCKET} <= block_types(settings)
        assert mark.read_text() == _installed()
        forget_slack(settings)
        start_prefect_again(stack)
        assert _SLACK not in block_types(settings)
        mark.write_text("prefect 3.0.0")
        start_prefect_again(stack)
        assert {_SLACK, _BUCKET} <= block_types(settings)
        assert mark.read_text() == _installed()
