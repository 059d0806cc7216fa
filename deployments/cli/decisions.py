"""Commands of a person's word: `correct`, `book`, `dismiss`, `split`, `join`, `undo`, `void`, `unvoid`."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli.common import DEFAULT_DATA, AsJson, Data, console, print_json, receipt_in_words
from deployments.cli.connection import connect
from deployments.cli.expenses import print_expenses

if TYPE_CHECKING:
    from uuid import UUID

    from sqlmodel import Session

    from flows.ledger.decisions import Decided
    from flows.ledger.values import Actor
    from flows.pipeline.configuration import Pipeline

Reference = Annotated[
    str,
    typer.Argument(metavar="ID", help="Receipt or expense: its id, the first 8 characters, the file's name, the key."),
]
Values = Annotated[
    list[str] | None,
    typer.Argument(metavar="FIELD=VALUE…", help="total=19.46 merchant='Café Central'; FIELD= empties a field."),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (correct, book, dismiss, split, join, undo, void, unvoid):
        app.command()(command)


def correct(
    reference: Reference,
    values: Values = None,
    take_back: Annotated[list[str] | None, typer.Option(help="A field whose correction ends; may be repeated.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for the history.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Correct an expense: no later reading changes what you say. A receipt in review is booked with it."""
    from flows.ledger.decisions import Book, decide  # noqa: PLC0415
    from flows.ledger.decisions import correct as correct_expense  # noqa: PLC0415

    def work(session: Session, actor: Actor) -> Decided:
        public_id, receipt_id = _expense_of(reference, session)
        given, ended = fields_of(values or []), take_back or []
        if public_id is None:
            return decide(receipt_id, Book(given, ended), actor, session=session)
        return correct_expense(public_id, given, actor, take_back=ended, reason=reason, session=session)

    _decide(data, as_json, work)


def book(
    reference: Reference,
    values: Values = None,
    keep_both: Annotated[
        bool, typer.Option("--keep-both", help="It is another purchase than the one that it looks like.")
    ] = False,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Book a receipt that is in review, or could not be read, with these values in place of what was read."""
    from flows.ledger.decisions import Book, decide  # noqa: PLC0415
    from flows.ledger.receipts import resolve  # noqa: PLC0415

    wanted = Book(fields_of(values or []), keep_both=keep_both)
    _decide(
        data,
        as_json,
        lambda session, actor: decide(resolve(reference, session=session), wanted, actor, session=session),
    )


def dismiss(
    reference: Reference,
    reason: Annotated[str, typer.Option("--as", help="not_a_receipt, not_mine or duplicate_of.")],
    of: Annotated[str | None, typer.Option("--of", help="The receipt that it repeats.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Say that a receipt gives no expense."""
    from flows.ledger.decisions import Dismiss, decide  # noqa: PLC0415
    from flows.ledger.receipts import resolve  # noqa: PLC0415
    from flows.ledger.schema import DismissReason  # noqa: PLC0415

    if reason not in list(DismissReason):
        raise typer.BadParameter(f"{reason!r} is no reason; give one of {', '.join(DismissReason)}", param_hint="--as")

    def work(session: Session, actor: Actor) -> Decided:
        other = resolve(of, session=session) if of else None
        wanted = Dismiss(DismissReason(reason), other)
        return decide(resolve(reference, session=session), wanted, actor, session=session)

    _decide(data, as_json, work)


def split(
    reference: Reference,
    part: Annotated[list[str], typer.Option(help="One receipt's values: 'total=7.50; merchant=Kiosk'. At least two.")],
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Make one expense for each of several receipts on one picture."""
    from flows.ledger.decisions import Split, decide  # noqa: PLC0415
    from flows.ledger.receipts import resolve  # noqa: PLC0415

    wanted = Split([fields_of(piece.strip() for piece in one.split(";") if piece.strip()) for one in part])
    _decide(
        data,
        as_json,
        lambda session, actor: decide(resolve(reference, session=session), wanted, actor, session=session),
    )


def join(
    reference: Reference,
    pages: Annotated[list[str], typer.Argument(metavar="PAGE…", help="The receipts that are its further pages.")],
    value: Annotated[
        list[str] | None, typer.Option("--set", help="A value that the pages do not give: total=19.46.")
    ] = None,
    keep_both: Annotated[
        bool, typer.Option("--keep-both", help="It is another purchase than the one that it looks like.")
    ] = False,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Make one expense of several pictures of one receipt: the first has it, the others become its further pages."""
    from flows.ledger.decisions import Join, decide  # noqa: PLC0415
    from flows.ledger.receipts import resolve  # noqa: PLC0415
    from flows.pipeline.joining import read_together  # noqa: PLC0415

    pipeline, given = asyncio.run(connect(data)), fields_of(value or [])

    def work(session: Session, actor: Actor) -> Decided:
        first = resolve(reference, session=session)
        wanted = Join([resolve(page, session=session) for page in pages], given, keep_both)
        together = read_together(first, wanted, pipeline.results, session=session)
        return decide(first, together, actor, session=session)

    _show(decide_now(pipeline, work), as_json)


def undo(reference: Reference, data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Take the last decision on a receipt back: everything as it was before it."""
    from flows.ledger.decisions import Undo, decide  # noqa: PLC0415
    from flows.ledger.receipts import resolve  # noqa: PLC0415

    _decide(
        data,
        as_json,
        lambda session, actor: decide(resolve(reference, session=session), Undo(), actor, session=session),
    )


def void(
    reference: Reference,
    reason: Annotated[str, typer.Option(help="Why it is to count no more.")],
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Take an expense back: it keeps its values and counts no more."""
    from flows.ledger.decisions import void as void_expense  # noqa: PLC0415

    def work(session: Session, actor: Actor) -> Decided:
        return void_expense(_needed_expense(reference, session), reason, actor, session=session)

    _decide(data, as_json, work)


def unvoid(reference: Reference, data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Let an expense count again that was taken back."""
    from flows.ledger.decisions import restore as restore_expense  # noqa: PLC0415

    def work(session: Session, actor: Actor) -> Decided:
        return restore_expense(_needed_expense(reference, session), actor, session=session)

    _decide(data, as_json, work)


def fields_of(given: Iterable[str]) -> dict[str, str | None]:
    """`FIELD=VALUE` as values by field; nothing behind the sign empties the field.

    Raises:
        BadParameter: Not of that form, or a field twice.
    """
    fields: dict[str, str | None] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign or not name.strip():
            raise typer.BadParameter(f"{one[:60]!r} is no FIELD=VALUE; write for example total=19.46")
        if name.strip() in fields:
            raise typer.BadParameter(f"{name.strip()!r} is given twice")
        fields[name.strip()] = value.strip() or None
    return fields


def this_person() -> Actor:
    """Who sits at the command line, as the system names them."""
    from flows.ledger.schema import Via  # noqa: PLC0415
    from flows.ledger.values import Actor  # noqa: PLC0415

    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        name = "unknown"
    return Actor(name, Via.CLI)


def decide_now(pipeline: Pipeline, work: Callable[[Session, Actor], Decided]) -> Decided:
    """Do a decision's work as the person at the command line."""
    from flows.flow_runs.reviewing import reviewed  # noqa: PLC0415

    actor = this_person()
    return reviewed(pipeline.ledger, actor, lambda session: work(session, actor))


def print_decided(decided: Decided) -> None:
    """Print how a receipt stands after a decision."""
    changed = "" if decided.changed else " (it was so before)"
    name = receipt_in_words(decided.key, decided.receipt_id)
    console.print(f"{name} is {decided.state.value}{changed}.", soft_wrap=True, markup=False, highlight=False)
    if decided.expenses:
        print_expenses(decided.expenses)


def _decide(data: Path, as_json: bool, work: Callable[[Session, Actor], Decided]) -> None:
    _show(decide_now(asyncio.run(connect(data)), work), as_json)


def _show(decided: Decided, as_json: bool) -> None:
    if as_json:
        print_json(decided)
    else:
        print_decided(decided)


def _needed_expense(reference: str, session: Session) -> str:
    public_id, receipt_id = _expense_of(reference, session, voided=True)
    if public_id is None:
        raise typer.BadParameter(f"receipt {receipt_id} has no expense")
    return public_id


def _expense_of(reference: str, session: Session, *, voided: bool = False) -> tuple[str | None, UUID]:
    """The expense that a person means, and its receipt; None where the receipt has none that counts."""
    from flows.ledger.decisions import review_item  # noqa: PLC0415
    from flows.ledger.receipts import resolve  # noqa: PLC0415

    item = review_item(resolve(reference, session=session), session=session)
    named = [one for one in item.expenses if one.public_id.startswith(reference)]
    known = named or [one for one in item.expenses if voided or one.voided_at is None]
    if len(known) > 1:
        ids = ", ".join(one.public_id for one in known)
        raise typer.BadParameter(f"receipt {item.receipt.id} has several expenses; name one of {ids}")
    return (known[0].public_id if known else None), item.receipt.id
