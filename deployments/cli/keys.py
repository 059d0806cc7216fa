"""Commands about API keys: `keys create`, `keys list`, `keys revoke`."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from deployments.cli.common import DEFAULT_DATA, AsJson, Data, console, plain, print_json, print_table
from deployments.cli.connection import use_stack
from flows.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from flows.ledger.access import KeyView, Scope
    from flows.ledger.database import Ledger

_COLUMNS = ("id", "owner", "name", "scopes", "expires", "revoked", "last used")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="API keys of the gateway.", no_args_is_help=True)
    for command in (create, list_, revoke):
        group.command(name=command.__name__.rstrip("_"))(command)
    app.add_typer(group, name="keys")


def create(
    owner: Annotated[str, typer.Option(help="Whose receipts the key is for.")],
    name: Annotated[str, typer.Option(help="For you, to tell keys apart.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(help="upload, read, review, admin; may be repeated. All of these by default; or operator."),
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="Ends after so many days; else never.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it: this once, it cannot be had again."""
    from flows.ledger.access import create_key  # noqa: PLC0415
    from flows.storage import clean_owner  # noqa: PLC0415

    expires = dt.datetime.now(dt.UTC) + dt.timedelta(days=days) if days else None
    with open_stack_ledger(data).session() as session:
        key, secret = create_key(clean_owner(owner), name, _scopes(scope), expires_at=expires, session=session)
    if as_json:
        print_json({"key": secret, **plain(key)})
    else:
        typer.echo(secret)
        console.print(f"key {key.id} of {key.owner} ({', '.join(key.scopes)}); it is not shown again", soft_wrap=True)


def _scopes(names: list[str] | None) -> list[Scope]:
    from flows.ledger.access import OWNER_SCOPES, Scope  # noqa: PLC0415

    try:
        return [Scope(name) for name in names] if names else list(OWNER_SCOPES)
    except ValueError as error:
        known = ", ".join(scope.value for scope in Scope)
        raise typer.BadParameter(f"{error}; known are {known}") from error


def list_(
    owner: Annotated[str | None, typer.Option(help="Only this owner's.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """List keys, without their secrets."""
    from flows.ledger.access import list_keys  # noqa: PLC0415

    with open_stack_ledger(data).session() as session:
        keys = list_keys(owner=owner, session=session)
    if as_json:
        print_json(keys)
    else:
        print_table(f"{len(keys)} keys", _COLUMNS, map(_row, keys))


def _row(key: KeyView) -> tuple[object, ...]:
    return (key.id, key.owner, key.name, ", ".join(key.scopes), key.expires_at, key.revoked_at, key.last_used_at)


def revoke(
    key_id: Annotated[UUID, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.")],
    data: Data = DEFAULT_DATA,
) -> None:
    """End a key; the gateway refuses it within seconds."""
    from flows.ledger.access import revoke_key  # noqa: PLC0415

    with open_stack_ledger(data).session() as session:
        key = revoke_key(key_id, session=session)
    console.print(f"key {key.id} of {key.owner} is revoked", soft_wrap=True)


def open_stack_ledger(data: Path) -> Ledger:
    """The ledger alone: keys and people can be managed while Prefect is away.

    Raises:
        ConfigurationError: there is no stack in `data`, and the environment names no ledger.
    """
    from flows.ledger.database import open_ledger  # noqa: PLC0415

    use_stack(data)
    url = os.environ.get("RECEIPTFLOW_LEDGER_URL")
    if not url:
        raise ConfigurationError(
            f"No stack in {data}: start one with `receiptflow up`, name its folder with --data, or set "
            "RECEIPTFLOW_LEDGER_URL to your ledger."
        )
    return open_ledger(url, application_name="receiptflow-access")
