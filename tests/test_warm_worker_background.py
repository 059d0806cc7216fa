"""A service in the background that ends for a reason that nobody foresaw is logged, counted and started again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from deployments.warm_worker import background, pool
from deployments.warm_worker.background import BackgroundServices


@pytest.fixture
async def services(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BackgroundServices]:
    monkeypatch.setattr(background, "FIRST_PAUSE_SECONDS", 0.0)
    made = BackgroundServices(logging.getLogger("test"))
    yield made
    await made.stop()


@pytest.mark.parametrize("end", ["raises", "returns", "is cancelled from within"])
async def test_a_service_that_ends_is_started_again(
    services: BackgroundServices, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    starts, works = 0, asyncio.Event()

    async def service() -> None:
        nonlocal starts
        starts += 1
        if starts > 2:
            works.set()
            await asyncio.Event().wait()
        if end == "raises":
            raise ZeroDivisionError("unforeseen")
        if end == "is cancelled from within":
            raise asyncio.CancelledError

    with caplog.at_level(logging.ERROR):
        services.start("sender", service)
        async with asyncio.timeout(60):
            await works.wait()
    state = services.states["sender"]
    assert (state.running, state.healthy, state.failures) == (True, False, 2)
    if end == "raises":
        assert "ZeroDivisionError" in state.last_error
        assert all(record.exc_info for record in caplog.records if "sender" in record.getMessage())


async def test_a_service_is_healthy_again_after_a_while_without_failure(
    services: BackgroundServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails, works = [True], asyncio.Event()

    async def service() -> None:
        if fails:
            fails.pop()
            raise ValueError
        works.set()
        await asyncio.Event().wait()

    services.start("sender", service)
    async with asyncio.timeout(60):
        await works.wait()
    assert not services.states["sender"].healthy
    monkeypatch.setattr(background, "HEALTHY_AFTER_SECONDS", 0.0)
    assert services.states["sender"].healthy


async def test_stopping_ends_the_services_and_is_no_failure(services: BackgroundServices) -> None:
    ended = asyncio.Event()

    async def service() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    services.start("sender", service)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await services.stop()
    assert ended.is_set()
    assert (services.states["sender"].running, services.states["sender"].failures) == (False, 0)


def test_pauses_grow_up_to_a_limit() -> None:
    pauses = [background.pause_seconds(failures) for failures in range(1, 12)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (background.FIRST_PAUSE_SECONDS, background.LONGEST_PAUSE_SECONDS)


async def test_a_failure_is_told_to_whoever_wants_to_know() -> None:
    told = asyncio.get_running_loop().create_future()

    def tell(name: str, error: str) -> None:
        told.set_result((name, error))
        raise OSError("nobody listens")

    services = BackgroundServices(logging.getLogger("test"), tell)

    async def service() -> None:
        raise KeyError("gone")

    services.start("orphans", service)
    async with asyncio.timeout(60):
        assert await told == ("orphans", "KeyError('gone')")
    await asyncio.sleep(0)
    assert services.states["orphans"].failures == 1
    await services.stop()


async def test_the_watchdogs_over_a_pools_processes_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    watched, starts = asyncio.Event(), [1]

    async def watch(_children: Any) -> None:
        if starts:
            starts.pop()
            raise ZeroDivisionError
        watched.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(pool, "watch", watch)
    async with asyncio.timeout(60), pool.ProcessPool(1, []):
        await watched.wait()
