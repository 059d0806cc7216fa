"""Commands about categories: `categories list`, `make`, `rename`, `merge`, `archive`, `restore`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from deployments.cli.common import DEFAULT_DATA, AsJson, Data, console, print_json, print_table
from deployments.cli.connection import connect

if TYPE_CHECKING:
    from uuid import UUID

    from sqlmodel import Session

    from flows.ledger.categories import CategoryView

T = TypeVar("T")
Owner = Annotated[str, typer.Option(help="Whose categories.")]
Name = Annotated[str, typer.Argument(help="The category's name.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="The categories of expenses.", no_args_is_help=True)
    for command in (list_, make, rename, merge, archive, restore):
        group.command(name=command.__name__.rstrip("_"))(command)
    app.add_typer(group, name="categories")


def list_(
    owner: Owner = "default",
    archived: Annotated[bool, typer.Option("--archived", help="With archived ones.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """List categories; an owner begins with a default set."""
    from flows.ledger.categories import list_categories  # noqa: PLC0415

    found = _do(data, lambda session: list_categories(owner, archived=archived, session=session))
    if as_json:
        print_json(found)
    else:
        rows = ((one.name, "archived" if one.archived_at else "", one.id) for one in found)
        print_table(f"{len(found)} categories", ("name", "", "id"), rows)


def make(name: Name, owner: Owner = "default", data: Data = DEFAULT_DATA) -> None:
    """Make a category."""
    from flows.ledger.categories import make_category  # noqa: PLC0415

    _say("made", _do(data, lambda session: make_category(owner, name, session=session)))


def rename(
    name: Name,
    new_name: Annotated[str, typer.Argument(help="What it is called from now on.")],
    owner: Owner = "default",
    data: Data = DEFAULT_DATA,
) -> None:
    """Give a category another name; expenses that have it follow."""
    from flows.ledger.categories import rename_category  # noqa: PLC0415

    def change(session: Session) -> CategoryView:
        return rename_category(_id(owner, name, session), new_name, owner=owner, session=session)

    _say("renamed", _do(data, change))


def merge(
    name: Name,
    into: Annotated[str, typer.Argument(help="The category that it becomes.")],
    owner: Owner = "default",
    data: Data = DEFAULT_DATA,
) -> None:
    """Let a category be another one; expenses that have it get the other."""
    from flows.ledger.categories import merge_categories  # noqa: PLC0415

    def change(session: Session) -> CategoryView:
        one, other = (_id(owner, which, session) for which in (name, into))
        return merge_categories(one, other, owner=owner, session=session)

    _say("merged into", _do(data, change))


def archive(name: Name, owner: Owner = "default", data: Data = DEFAULT_DATA) -> None:
    """Offer a category no more; what has it keeps it."""
    _archive(name, owner, data, archived=True)


def restore(name: Name, owner: Owner = "default", data: Data = DEFAULT_DATA) -> None:
    """Offer an archived category again."""
    _archive(name, owner, data, archived=False)


def _archive(name: str, owner: str, data: Path, *, archived: bool) -> None:
    from flows.ledger.categories import archive_category  # noqa: PLC0415

    def change(session: Session) -> CategoryView:
        return archive_category(_id(owner, name, session), owner=owner, archived=archived, session=session)

    _say("archived" if archived else "restored", _do(data, change))


def _id(owner: str, name: str, session: Session) -> UUID:
    from flows.domain.folding import squeeze  # noqa: PLC0415
    from flows.ledger.categories import CategoryNotFoundError, list_categories  # noqa: PLC0415

    found = list_categories(owner, archived=True, session=session)
    for one in found:
        if squeeze(one.name) == squeeze(name):
            return one.id
    raise CategoryNotFoundError(name, [one.name for one in found])


def _do(data: Path, work: Callable[[Session], T]) -> T:
    pipeline = asyncio.run(connect(data))
    with pipeline.ledger.session() as session:
        return work(session)


def _say(what: str, category: CategoryView) -> None:
    console.print(f"{what}: {category.name}", soft_wrap=True, markup=False, highlight=False)
