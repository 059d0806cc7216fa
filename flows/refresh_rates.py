"""The flow `refresh-rates`: keep the European Central Bank's rates up to date, and convert what waited for them.

Order: the rates that came with the installation, those that the bank has published since, where there is network; then
expenses without a total in their owner's own currency. Needs the block `receipt-pipeline/default`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.exchange_rates import HistoryUnavailableError, fetch_history, kept_history
from flows.ledger.database import Ledger
from flows.ledger.rates import convert_missing, keep_rates, newest_day
from flows.pipeline.configuration import load_pipeline

KEPT, FETCHED = "ECB, kept with the installation", "ECB"


@flow(name="refresh-rates", persist_result=False)
async def refresh_rates(offline: bool = False) -> State[Any]:
    """Bring the exchange rates up to date.

    Args:
        offline: Ask nobody; use the rates that came with the installation.
    """
    pipeline = await load_pipeline()
    said = await asyncio.to_thread(refresh, pipeline.ledger, offline=offline)
    get_run_logger().info(said)
    return Completed(message=said)


def refresh(ledger: Ledger, *, offline: bool = False) -> str:
    """Keep new rates, convert what waited for them; what was done, in one sentence."""
    with ledger.session() as session:
        new = keep_rates(kept_history(), KEPT, session=session)
    problem = ""
    if not offline:
        try:
            fetched = list(fetch_history())
        except HistoryUnavailableError as error:
            problem = f"; {error}"
        else:
            with ledger.session() as session:
                new += keep_rates(fetched, FETCHED, session=session)
    with ledger.session() as session:
        converted, day = convert_missing(session=session), newest_day(session=session)
    return f"{new} new rates, the last of {day}; {converted} expenses converted{problem}"
