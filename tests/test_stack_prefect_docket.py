"""Workers of docket look once a second for what is due, unless they are told otherwise."""

from __future__ import annotations

import subprocess
import sys

_CODE = """
import asyncio
from datetime import timedelta
from docket import Docket, Worker
from deployments.stack.prefect_docket import look_once_a_second
look_once_a_second()

async def made():
    async with Docket(name="t", url="memory://t") as docket:
        async with Worker(docket) as usual, Worker(docket, scheduling_resolution=timedelta(seconds=3)) as other:
            print(usual.scheduling_resolution.total_seconds(), other.scheduling_resolution.total_seconds())

asyncio.run(made())
"""


def test_docket_looks_once_a_second() -> None:
    done = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1.0", "3.0"]
