"""Commands about exports: `export`, `exports`, `export-accounts`, `vat`."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli.common import DEFAULT_DATA, AsJson, Data, console, day_of, print_json, print_table
from deployments.cli.connection import connect

if TYPE_CHECKING:
    from flows.exports import Exported
    from flows.ledger.exports import AccountRule, Period
    from flows.pipeline.book_servers import Server
    from flows.pipeline.configuration import Pipeline

Owner = Annotated[str, typer.Option(help="Whose expenses.")]
Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="csv, ofx, qif, firefly-csv, beancount, ledger, hledger; archive (a year's zip); "
        "actual, firefly (their servers).",
    ),
]
First = Annotated[str | None, typer.Option("--from", help="First purchase date, YYYY-MM-DD.")]
Last = Annotated[str | None, typer.Option("--to", help="Last purchase date, YYYY-MM-DD.")]
Value = Annotated[str, typer.Option(help="The category, payment method or rate; without it, all that have no rule.")]
OneTarget = Annotated[str, typer.Option("--target", help="For this target only.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(export)
    app.command()(exports)
    app.command()(vat)
    group = typer.Typer(help="Which accounts of your books categories, payment methods and taxes go to.")
    for command in (list_, set_, remove):
        group.command(name=command.__name__.rstrip("_"))(command)
    app.add_typer(group, name="export-accounts", no_args_is_help=True)


def export(
    target: Target,
    since: Annotated[str | None, typer.Option(help="`last`: only what came since the last export.")] = None,
    first: First = None,
    last: Last = None,
    owner: Owner = "default",
    into: Annotated[Path, typer.Option(help="Folder of the files.", file_okay=False)] = Path("exports"),
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Put the pictures beside the files; in Firefly, attach them.")
    ] = False,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Leave out what the target would refuse, and name it.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--preview", help="Only show the first ten, as the target will see them.")
    ] = False,
    number: Annotated[int | None, typer.Option(min=1, help="Write the export of this number again.")] = None,
    year: Annotated[int | None, typer.Option(help="The archive's year; the last one without it.")] = None,
    server: Annotated[
        str, typer.Option(help="Address of Actual's or Firefly's server; the owner's own without it.")
    ] = "",
    budget: Annotated[str, typer.Option(help="Actual's budget, by name.")] = "",
    currency: Annotated[str, typer.Option(help="The currency that Actual's budget is in.")] = "EUR",
    secret: Annotated[
        str,
        typer.Option(
            envvar="RECEIPTFLOW_BOOKS_SECRET",
            help="Actual's password or Firefly's token; better given by the environment than as an option.",
        ),
    ] = "",
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Export expenses for a program: what is new, changed and voided, once."""
    if since not in {None, "last"}:
        raise typer.BadParameter(f"{since!r}: there is `last` only", param_hint="--since")
    pipeline = asyncio.run(connect(data))
    from flows.exports import Options, export_into, pictures_into  # noqa: PLC0415

    period = _period(first, last)
    if target == "archive":
        _archive(pipeline, owner, year or dt.datetime.now(dt.UTC).year - 1, into)
    elif target in {"actual", "firefly"}:
        wanted = {"secret": secret, "budget": budget, "currency": currency, "pictures": pictures}
        made = _push(pipeline, owner, _server(target, owner, server, wanted), period, leave_out=leave_out)
        print_json(made) if as_json else _print(made, into)
    elif show:
        _preview(pipeline, owner, target, period, since_last=since is not None)
    elif number is not None:
        _again(pipeline, owner, target, number, into)
    else:
        options = Options(period, since_last=since is not None, leave_out=leave_out)
        for made in export_into(pipeline.ledger, owner, target, into, options):
            print_json(made) if as_json else _print(made, into)
        if pictures:
            from flows.exports import originals_in  # noqa: PLC0415

            came, gone = pictures_into(pipeline.ledger, owner, into, period, originals_in(pipeline.s3))
            if not as_json:
                console.print(f"{came} pictures came" + (f"; gone from the bucket: {', '.join(gone)}" if gone else ""))


def _period(first: str | None, last: str | None) -> Period:
    from flows.ledger.exports import Period  # noqa: PLC0415

    return Period(day_of(first), day_of(last))


def _print(made: Exported, folder: Path) -> None:
    told = f"{made.target}: {made.new} new, {made.changed} changed, {made.voided} voided"
    numbered = f", export {made.number}" if made.number else ""
    console.print(f"{told}{numbered}{' (written again)' if made.is_repeat else ''}", highlight=False)
    for change in made.changes[:20]:
        console.print(f"  {change.kind} since: {change.public_id}, revision {change.revision}", highlight=False)
    for refusal in made.refusals:
        console.print(f"  left out: {refusal}", highlight=False, markup=False)
    for name in made.files:
        typer.echo(folder / name)


def _preview(pipeline: Pipeline, owner: str, target: str, period: Period, *, since_last: bool) -> None:
    from flows.exports import preview  # noqa: PLC0415

    files, refusals = preview(pipeline.ledger, owner, target, period=period, since_last=since_last)
    for name, text in files.items():
        typer.echo(f"--- {name}\n{text}")
    for refusal in refusals:
        typer.echo(f"would be refused: {refusal}")


def _again(pipeline: Pipeline, owner: str, target: str, number: int, folder: Path) -> None:
    from flows.exports import publish, staging, write_again  # noqa: PLC0415

    with staging(folder) as output:
        write_again(pipeline.ledger, owner, target, number, output)
        for path in publish(output, folder):
            typer.echo(path)


def _push(pipeline: Pipeline, owner: str, server: Server, period: Period, *, leave_out: bool) -> Exported:
    from flows.exports import originals_in, push  # noqa: PLC0415
    from flows.pipeline.book_servers import open_server  # noqa: PLC0415

    with open_server(server, originals_in(pipeline.s3)) as books:
        return push(pipeline.ledger, owner, books, period=period, leave_out=leave_out)


def _server(target: str, owner: str, url: str, options: dict[str, object]) -> Server:
    """The server at an address, or the owner's own: as it is set on the page, or as a block in Prefect."""
    from pydantic import ValidationError  # noqa: PLC0415

    from flows.pipeline.book_servers import load_server, server_kind  # noqa: PLC0415

    if not url:
        return asyncio.run(load_server(target, owner))
    if not options["secret"]:
        raise typer.BadParameter("give the server's secret in RECEIPTFLOW_BOOKS_SECRET", param_hint=target)
    kind = server_kind(target)
    options |= {"token": options["secret"], "password": options["secret"]}
    try:
        return kind(url=url, **{name: value for name, value in options.items() if name in kind.model_fields})
    except ValidationError as error:
        told = "; ".join(f"{entry['loc'][-1]}: {entry['msg']}" for entry in error.errors())
        raise typer.BadParameter(told, param_hint="--server") from error


def _archive(pipeline: Pipeline, owner: str, year: int, folder: Path) -> None:
    from flows.exports import archive_stream, originals_in  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    path, unfinished = folder / f"receiptflow-{owner}-{year}.zip", folder / f".receiptflow-{owner}-{year}.zip.part"
    with unfinished.open("wb") as file:
        file.writelines(archive_stream(pipeline.ledger, owner, year, originals_in(pipeline.s3)))
    unfinished.replace(path)
    typer.echo(path)


def exports(
    target: Annotated[str | None, typer.Argument(help="Only to this target.")] = None,
    owner: Owner = "default",
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """List the exports that were made, the last first."""
    pipeline = asyncio.run(connect(data))
    from flows.ledger.exports import list_exports  # noqa: PLC0415

    with pipeline.ledger.session() as session:
        rows = list_exports(owner, target, session=session)
    if as_json:
        print_json(rows)
        return
    print_table(
        f"{len(rows)} exports",
        ("target", "number", "made", "new", "changed", "voided", "written"),
        ((r.target, r.number, r.created_at, r.new, r.changed, r.voided, r.finished_at or "not yet") for r in rows),
        right=("number", "new", "changed", "voided"),
    )


def list_(owner: Owner = "default", data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """List the rules."""
    pipeline = asyncio.run(connect(data))
    from flows.ledger.exports import list_accounts  # noqa: PLC0415

    with pipeline.ledger.session() as session:
        rules = list_accounts(owner, session=session)
    if as_json:
        print_json([rule._asdict() for rule in rules])
    else:
        rows = ((rule.target or "all", rule.kind, rule.value or "all others", rule.account) for rule in rules)
        print_table(f"{len(rules)} rules", ("target", "kind", "value", "account"), rows)


def set_(
    kind: Annotated[str, typer.Argument(help="category, payment_method, tax, known or currency.")],
    account: Annotated[str, typer.Argument(help="The account; of `currency`, the ISO 4217 code.")],
    value: Value = "",
    target: OneTarget = "",
    owner: Owner = "default",
    data: Data = DEFAULT_DATA,
) -> None:
    """Add a rule, or change the account of the one that there is."""
    from flows.ledger.exports import set_account  # noqa: PLC0415

    rule = _rule(target, kind, value, account)
    with asyncio.run(connect(data)).ledger.session() as session:
        kept = set_account(owner, rule, session=session)
    typer.echo(f"{kept.kind} {kept.value or '(all others)'} goes to {kept.account}")


def remove(
    kind: Annotated[str, typer.Argument(help="category, payment_method, tax, known or currency.")],
    value: Value = "",
    target: OneTarget = "",
    owner: Owner = "default",
    data: Data = DEFAULT_DATA,
) -> None:
    """Remove a rule."""
    from flows.ledger.exports import remove_account  # noqa: PLC0415

    with asyncio.run(connect(data)).ledger.session() as session:
        was_there = remove_account(owner, _rule(target, kind, value, ""), session=session)
    if not was_there:
        raise typer.BadParameter(f"there is no rule for {kind} {value!r}; `receiptflow export-accounts list` shows all")


def _rule(target: str, kind: str, value: str, account: str) -> AccountRule:
    from flows.exports import account_names  # noqa: PLC0415
    from flows.ledger.exports import AccountRule  # noqa: PLC0415

    if target:
        account_names(target)
    return AccountRule(target, kind, value, account)


def vat(
    first: Annotated[str, typer.Option("--from", help="First purchase date, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Last purchase date, YYYY-MM-DD.")],
    by: Annotated[str, typer.Option(help="month, quarter or year.")] = "quarter",
    owner: Owner = "default",
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Value added tax by period, rate and currency, and the expenses that it cannot hold."""
    pipeline = asyncio.run(connect(data))
    from flows.ledger.exports import Period, vat_grouping, vat_rows, without_tax  # noqa: PLC0415

    days = Period(day_of(first), day_of(last))
    assert days.first is not None  # noqa: S101  # both are required
    assert days.last is not None  # noqa: S101
    with pipeline.ledger.session() as session:
        rows = vat_rows(owner, days.first, days.last, grouping=vat_grouping(by), session=session)
        without = list(without_tax(owner, days.first, days.last, session=session))
    if as_json:
        print_json({"rows": [row._asdict() for row in rows], "without": [row._asdict() for row in without]})
        return
    columns = ("period", "currency", "rate", "receipts", "net", "tax", "gross")
    print_table("Value added tax", columns, rows, right=columns[2:])
    if without:
        columns = ("expense", "date", "merchant", "total", "currency", "why", "difference")
        print_table(f"{len(without)} expenses are not, or not wholly, in it", columns, without, right=("total",))
