"""One worker of a pool at a time recovers orphans, by Prefect's own means: a host that dies frees the lock by itself,
and a worker that replaces a killed one of its host does not wait.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from prefect.settings import get_current_settings

from deployments.stack import Stack
from deployments.warm_worker import pool_lock
from deployments.warm_worker.pool_lock import PoolLock

_HOLDER = """
import asyncio, sys
from pathlib import Path
from prefect.client.orchestration import get_client
from deployments.warm_worker import pool_lock

async def hold():
    async with get_client() as client:
        lock = pool_lock.PoolLock(client, sys.argv[1], folder=Path(sys.argv[2]))
        async with lock.held() as mine:
            print(mine, flush=True)
            await asyncio.sleep(600)

asyncio.run(hold())
"""


@pytest.fixture
async def client(prefect_api: Stack) -> AsyncIterator[PrefectClient]:
    async with get_client() as opened:
        yield opened


@pytest.fixture
def pool() -> str:
    return f"pool-{uuid.uuid4().hex[:8]}"


@contextmanager
def _holder(stack: Stack, pool: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the pool's lock; the folder says of which host it is."""
    command = [sys.executable, "-c", _HOLDER, pool, str(folder)]
    process = subprocess.Popen(command, env=stack.environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stdout.readline() == "True\n"
        yield process
    finally:
        process.kill()
        process.wait()


async def _is_held(lock: PoolLock) -> bool:
    async with lock.held() as mine:
        return mine


async def test_another_host_gets_the_lock_after_its_holder_was_killed(
    prefect_api: Stack, client: PrefectClient, pool: str, tmp_path: Path
) -> None:
    """Not before its turn ends, however often it asks, and then for certain: refusals do not prolong a dead turn."""
    elsewhere = PoolLock(client, pool, folder=tmp_path / "elsewhere")
    with _holder(prefect_api, pool, tmp_path / "here") as holder:
        taken = time.monotonic()
        assert not await _is_held(elsewhere)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    asked = 0
    while not await _is_held(elsewhere):
        asked += 1
        assert asked < 2000, "a dead host keeps the lock"
        await asyncio.sleep(0.1)
    assert asked > 1
    assert time.monotonic() - taken > pool_lock.TURN_SECONDS - 2


async def test_a_worker_of_the_same_host_takes_over_at_once(
    prefect_api: Stack, client: PrefectClient, pool: str, tmp_path: Path
) -> None:
    """The kernel releases the file of a killed holder, and what is left of the host's turn is used."""
    successor = PoolLock(client, pool, folder=tmp_path)
    with _holder(prefect_api, pool, tmp_path) as holder:
        assert not await _is_held(successor)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert await _is_held(successor)
    limit = await client.read_global_concurrency_limit_by_name(successor.name)
    assert limit.active_slots == 1


async def test_of_many_hosts_that_ask_at_once_one_gets_it(client: PrefectClient, pool: str, tmp_path: Path) -> None:
    locks = [PoolLock(client, pool, folder=tmp_path / str(number)) for number in range(8)]
    assert sum(await asyncio.gather(*map(_is_held, locks))) == 1
    assert sum(await asyncio.gather(*map(_is_held, locks))) == 1


async def test_the_block_is_cancelled_when_the_turn_ends(
    client: PrefectClient, pool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is slower than a turn must not go on beside the next holder."""
    monkeypatch.setattr(pool_lock, "TURN_SECONDS", 3.0)
    with pytest.raises(TimeoutError):
        async with PoolLock(client, pool, folder=tmp_path).held() as mine:
            assert mine
            await asyncio.sleep(600)


async def test_a_deactivated_limit_lets_nobody_look(client: PrefectClient, pool: str, tmp_path: Path) -> None:
    """The server itself would let everybody through."""
    lock = PoolLock(client, pool, folder=tmp_path)
    await client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=lock.name, limit=1, active=False))
    assert not await _is_held(lock)
    change = GlobalConcurrencyLimitUpdate(active=True, slot_decay_per_second=1 / pool_lock.TURN_SECONDS)
    await client.update_global_concurrency_limit(lock.name, change)
    assert await _is_held(lock)


async def test_a_server_that_is_away_is_an_error_and_not_a_lock(pool: str, tmp_path: Path) -> None:
    async with PrefectClient("http://127.0.0.1:1/api") as nowhere:
        with pytest.raises(httpx.TransportError):
            await _is_held(PoolLock(nowhere, pool, folder=tmp_path))


async def test_prefect_frees_a_slot_by_its_decay_whoever_asks_meanwhile(client: PrefectClient, pool: str) -> None:
    """What the lock is built on."""
    name = f"decay-{pool}"
    limit = GlobalConcurrencyLimitCreate(name=name, limit=1, slot_decay_per_second=0.2)
    await client.create_global_concurrency_limit(limit)
    await client.increment_concurrency_slots([name], slots=1, mode="concurrency")
    with pytest.raises(httpx.HTTPStatusError, match="423"):
        await client.increment_concurrency_slots([name], slots=1, mode="concurrency")
    await asyncio.sleep(6)
    await client.increment_concurrency_slots([name], slots=1, mode="concurrency")


async def test_prefects_leases_are_long_and_kept_in_memory(client: PrefectClient, pool: str) -> None:
    """Why it is not built on a lease."""
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        await client.increment_concurrency_slots_with_lease([pool], slots=1, mode="concurrency", lease_duration=59)
    assert get_current_settings().server.concurrency.lease_storage.endswith(".memory")
