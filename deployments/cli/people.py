"""Commands about people: `people add`, `list`, `role`, `disable`, `enable`, `link`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli.common import DEFAULT_DATA, AsJson, Data, console, print_json, print_table
from deployments.cli.keys import open_stack_ledger
from flows.domain.owners import DEFAULT_OWNER

if TYPE_CHECKING:
    from flows.ledger.access import PersonView, Role

_COLUMNS = ("name", "owner", "role", "password", "disabled")
_DEFAULT_URL = "http://127.0.0.1:4201"
Name = Annotated[str, typer.Argument(metavar="NAME", help="The person's name, as `people list` shows it.")]
RoleName = Annotated[str, typer.Argument(metavar="ROLE", help="viewer, reviewer or admin.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="People who sign in to the pages.", no_args_is_help=True)
    for command in (add, list_, role, disable, enable, link):
        group.command(name=command.__name__.rstrip("_"))(command)
    app.add_typer(group, name="people")


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the person signs in with.")],
    owner: Annotated[str, typer.Option(help="Whose receipts they work on.")] = DEFAULT_OWNER,
    role: Annotated[str, typer.Option(help="viewer, reviewer or admin.")] = "reviewer",
    data: Data = DEFAULT_DATA,
) -> None:
    """Add a person and print a link that signs them in once."""
    from flows.ledger.access import add_person, make_link  # noqa: PLC0415
    from flows.storage import clean_owner  # noqa: PLC0415

    with open_stack_ledger(data).session() as session:
        person = add_person(clean_owner(owner), name, _role(role), session=session)
        token = make_link(person.id, session=session)[1]
    _print_link(person, token)


def list_(
    owner: Annotated[str | None, typer.Option(help="Only this owner's.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """List people."""
    from flows.ledger.access import list_people  # noqa: PLC0415

    with open_stack_ledger(data).session() as session:
        people = list_people(owner=owner, session=session)
    if as_json:
        print_json(people)
    else:
        rows = ((one.name, one.owner, one.role, "yes" if one.has_password else "no", one.disabled_at) for one in people)
        print_table(f"{len(people)} people", _COLUMNS, rows)


def role(name: Name, role: RoleName, data: Data = DEFAULT_DATA) -> None:
    """Change what a person may do."""
    from flows.ledger.access import set_role  # noqa: PLC0415

    with open_stack_ledger(data).session() as session:
        person = set_role(name, _role(role), session=session)
    console.print(f"{person.name} is {person.role.value}", soft_wrap=True)


def disable(name: Name, data: Data = DEFAULT_DATA) -> None:
    """Keep a person out, now; what they did keeps their name."""
    from flows.ledger.access import disable_person  # noqa: PLC0415

    with open_stack_ledger(data).session() as session:
        person = disable_person(name, session=session)
    console.print(f"{person.name} is disabled and signed out everywhere", soft_wrap=True)


def enable(name: Name, data: Data = DEFAULT_DATA) -> None:
    """Let a disabled person in again."""
    from flows.ledger.access import enable_person  # noqa: PLC0415

    with open_stack_ledger(data).session() as session:
        person = enable_person(name, session=session)
    console.print(f"{person.name} may sign in again", soft_wrap=True)


def link(name: Name, data: Data = DEFAULT_DATA) -> None:
    """Print a link that signs a person in once; links made before for them work no more."""
    from flows.ledger.access import make_link  # noqa: PLC0415

    with open_stack_ledger(data).session() as session:
        person, token = make_link(name, session=session)
    _print_link(person, token)


def sign_in_address(gateway_url: str, token: str) -> str:
    """A sign-in link: its code stands behind the #, which browsers send to nobody."""
    return f"{gateway_url.rstrip('/')}/app/sign-in#{token}"


def _print_link(person: PersonView, token: str) -> None:
    from flows.ledger.access import LINK_HOURS  # noqa: PLC0415

    address = os.environ.get("RECEIPTFLOW_PUBLIC_URL") or os.environ.get("RECEIPTFLOW_GATEWAY_URL", _DEFAULT_URL)
    typer.echo(sign_in_address(address, token))
    words = f"signs in {person.name} ({person.role.value} of {person.owner}) once, within {LINK_HOURS} hours"
    console.print(words, soft_wrap=True)


def _role(name: str) -> Role:
    from flows.ledger.access import Role  # noqa: PLC0415

    try:
        return Role(name)
    except ValueError as error:
        known = ", ".join(one.value for one in Role)
        raise typer.BadParameter(f"{error}; known are {known}") from error
