"""The commands `settings`, an owner's own currency and first day of the year, and `rates`, to refresh those."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from deployments.cli.common import DEFAULT_DATA, AsJson, Data, console, print_json
from deployments.cli.connection import connect


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(settings)
    app.command()(rates)


def settings(
    owner: Annotated[str, typer.Option(help="Whose.")] = "default",
    home_currency: Annotated[
        str | None, typer.Option(help="Currency of the owner's own accounts, as EUR; '' for none.")
    ] = None,
    year_starts: Annotated[str | None, typer.Option(help="First day of the owner's year, as 04-06.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Show an owner's settings, or change those that are given."""
    pipeline = asyncio.run(connect(data))
    from flows.ledger.owner_settings import change_settings  # noqa: PLC0415

    with pipeline.ledger.session() as session:
        now = change_settings(owner, home_currency=home_currency, year_starts=year_starts, session=session)
    if as_json:
        print_json(now)
    else:
        home = now.home_currency or "none, so that nothing is converted"
        console.print(f"{owner}: home currency {home}; the year starts on {now.year_starts}", soft_wrap=True)


def rates(
    offline: Annotated[bool, typer.Option("--offline", help="Use those that came with the installation.")] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Bring the exchange rates up to date and convert what waited for them."""
    pipeline = asyncio.run(connect(data))
    from flows.refresh_rates import refresh  # noqa: PLC0415

    console.print(refresh(pipeline.ledger, offline=offline), soft_wrap=True, highlight=False)
