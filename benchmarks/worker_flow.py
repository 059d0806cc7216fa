"""The flow that the orchestration benchmarks run: four empty async steps, as many as a receipt's flow has."""

from __future__ import annotations

from prefect import flow, task


@task
async def step(number: int) -> int:
    """Nothing but its own orchestration."""
    return number + 1


@flow
async def four_steps() -> int:
    """Four steps, one after another."""
    number = 0
    for _ in range(4):
        number = await step(number)
    return number
