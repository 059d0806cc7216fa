"""Small flows for the tests of the warm worker. Each appends a line per execution to the file it is given."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import time
from pathlib import Path

from prefect import flow, get_run_logger, task


def _note(path: str, word: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"{word} {os.getpid()}\n")


@task
async def step(number: int) -> int:
    """One empty step."""
    return number + 1


@flow
async def four_steps(path: str) -> int:
    """What a receipt's flow looks like, without the work."""
    number = 0
    for _ in range(4):
        number = await step(number)
    _note(path, "done")
    get_run_logger().info("four steps done")
    return number


@flow
async def tagged_step(path: str) -> None:
    """One step that a concurrency limit can be set on."""
    await step.with_options(tags=["limited"])(1)
    _note(path, "tagged")


@flow
def sync_steps(path: str) -> None:
    """A flow that is not async."""
    _note(path, "sync")


@flow
async def dies_once(path: str, how: str) -> None:
    """Dies in a given way when it is started first, and completes when it is started again."""
    first = not Path(path).exists()  # noqa: ASYNC240
    _note(path, "start")
    if first:
        await _die(how)
    _note(path, "done")


async def _die(how: str) -> None:
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif how == "exit":
        os._exit(7)
    elif how == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif how == "memory":
        hog = bytearray(os.urandom(1)) * (400 << 20)
        await asyncio.sleep(60 + len(hog))
    elif how == "hang":
        time.sleep(600)  # noqa: ASYNC251  this is what a hang is
    elif how == "silent":
        ctypes.PyDLL(None).sleep(600)  # without giving the interpreter back


@flow
async def dies_always(path: str) -> None:
    """Never gets past its start."""
    _note(path, "start")
    os._exit(9)


_held = b""


@flow
def loads(path: str) -> None:
    """Holds much memory from then on."""
    global _held  # noqa: PLW0603 - as a module that keeps its models does
    _held = b"x" * 150_000_000
    _note(path, "start")


@flow
async def sleeps(path: str, seconds: float) -> None:
    """Waits, with a step before and after."""
    await step(1)
    _note(path, "start")
    await asyncio.sleep(seconds)
    await step(2)
    _note(path, "done")


@sleeps.on_cancellation
def _note_cancellation(flow: object, flow_run: object, state: object) -> None:
    _note(flow_run.parameters["path"], "cancelled")  # type: ignore[attr-defined]


@dies_always.on_crashed
def _note_crash(flow: object, flow_run: object, state: object) -> None:
    _note(flow_run.parameters["path"], "crashed")  # type: ignore[attr-defined]


@flow
async def tells_environment(path: str) -> None:
    """Writes what it finds in its environment."""
    _note(path, os.environ.get("RECEIPTFLOW_TEST_WORD", "nothing"))
