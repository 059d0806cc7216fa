"""The command `expenses`: list, search and sum what was posted."""

from __future__ import annotations

import asyncio
import csv
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.common import DEFAULT_DATA, AsJson, Data, day_of, plain, print_json, print_table, short_ids
from deployments.cli.connection import connect
from flows.domain.owners import DEFAULT_OWNER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flows.ledger.expenses import Sum, SumsBy
    from flows.ledger.views import ExpenseView

_CSV_COLUMNS = (
    *("public_id", "revision", "purchase_date", "purchase_time", "merchant", "total", "currency", "subtotal", "tax"),
    *("tip", "rounding", "payment_method", "receipt_number", "country", "category", "tags", "notes", "owner"),
    *("home_currency", "home_total", "rate", "rate_day", "rate_source"),
)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(expenses)


def expenses(
    owner: Annotated[str | None, typer.Option(help="Only this owner's.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="First purchase date, YYYY-MM-DD.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last purchase date, YYYY-MM-DD.")] = None,
    text: Annotated[
        str | None, typer.Option(help="Words of which each begins a word on the receipt or in a field.")
    ] = None,
    merchant: Annotated[str | None, typer.Option(help="Any part of the merchant's name.")] = None,
    category: Annotated[
        str | None, typer.Option(help="Of the expense or one of its lines; '' for those without one.")
    ] = None,
    tag: Annotated[str | None, typer.Option(help="Only with this tag.")] = None,
    by: Annotated[str | None, typer.Option(help="Sum by month, year, merchant, category or currency.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 1000,
    data: Data = DEFAULT_DATA,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")] = False,
    as_json: AsJson = False,
) -> None:
    """List, search and sum expenses."""
    if as_csv and as_json:
        raise typer.BadParameter("choose one of --csv and --json")
    pipeline = asyncio.run(connect(data))
    from flows.ledger.expenses import Wanted, find_expenses, sum_expenses  # noqa: PLC0415
    from flows.ledger.owner_settings import settings_of  # noqa: PLC0415

    wanted = Wanted(owner=owner, since=day_of(since), until=day_of(until), text=text, merchant=merchant)
    wanted = replace(wanted, category=category, tag=tag)
    kind = _by(by)
    with pipeline.ledger.session() as session:
        if kind is not None:
            own = settings_of(owner or DEFAULT_OWNER, session=session)
            home = own.home_currency if owner else None  # several owners have no currency in common
            sums = sum_expenses(
                kind, wanted, year_starts=own.year_start, home_currency=home, limit=limit, session=session
            )
            _show_sums(kind, sums, as_csv, as_json)
            return
        rows = find_expenses(wanted, limit=limit, session=session).items
    if as_json:
        print_json(rows)
    elif as_csv:
        print_csv(_CSV_COLUMNS, ([getattr(row, name) for name in _CSV_COLUMNS] for row in rows))
    else:
        print_expenses(rows)


def print_expenses(rows: Sequence[ExpenseView]) -> None:
    """Print expenses as a table; whose they are only where they are several owners'."""
    columns = {
        "expense": short_ids([row.public_id for row in rows]),
        "date": [row.purchase_date for row in rows],
        "merchant": [row.merchant for row in rows],
        "total": [f"{row.total} {row.currency or '?'}" for row in rows],
        "category": [row.category for row in rows],
        "owner": [row.owner for row in rows],
        "rev": [row.revision for row in rows],
    }
    if len({row.owner for row in rows}) == 1:
        del columns["owner"]
    table = zip(*columns.values(), strict=True)
    print_table(f"{len(rows)} expenses", list(columns), table, right=("total", "rev"), whole=("expense", "date"))


def _show_sums(by: SumsBy, sums: Sequence[Sum], as_csv: bool, as_json: bool) -> None:
    rows = [(one.key, one.count, *amount, one.home_total) for one in sums for amount in one.totals.items()]
    if as_json:
        print_json(sums)
    elif as_csv:
        print_csv((by.value, "count", "currency", "total", "home_total"), rows)
    else:
        columns = (by.value, "count", "currency", "total", "all in own currency")
        print_table(f"sums by {by.value}", columns, rows, right=columns[1:])


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as CSV, harmless for spreadsheets: no text of a receipt is taken for a formula."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(map(_cell, row))


def _cell(value: Any) -> Any:
    from flows.domain.spreadsheet import safe_cell  # noqa: PLC0415

    value = ", ".join(value) if isinstance(value, list) else value
    return safe_cell(value) if isinstance(value, str) else plain(value)


def _by(name: str | None) -> SumsBy | None:
    from flows.ledger.expenses import SumsBy  # noqa: PLC0415

    if name is None:
        return None
    try:
        return SumsBy(name)
    except ValueError as error:
        known = ", ".join(one.value for one in SumsBy)
        raise typer.BadParameter(f"--by {name!r} is not known; choose one of {known}") from error
