"""Commands about rules: `rules list`, `rules make`, `rules remove`, `rules disable`, `rules enable`."""

from __future__ import annotations

import asyncio
import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli.common import DEFAULT_DATA, AsJson, Data, console, print_json, print_table
from deployments.cli.connection import connect

if TYPE_CHECKING:
    from flows.ledger.rules import RuleView

Owner = Annotated[str, typer.Option(help="Whose rules.")]
Number = Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="The rule's number, as `rules list` shows it.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="What was learned from corrections, or made by hand.", no_args_is_help=True)
    for command in (list_, make, remove, disable, enable):
        group.command(name=command.__name__.rstrip("_"))(command)
    app.add_typer(group, name="rules")


def list_(owner: Owner = "default", data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """List rules: by which mark a merchant is known, what it is named or which category it gets, and from where."""
    pipeline = asyncio.run(connect(data))
    from flows.ledger.rules import list_rules  # noqa: PLC0415

    with pipeline.ledger.session() as session:
        rules = list_rules(owner, session=session)
    if as_json:
        print_json(rules)
        return
    print_table(
        f"{len(rules)} rules",
        ("rule", "by", "mark", "chooses", "made from", "made by", "uses", "off"),
        (
            (one.id, one.identity_kind, one.identity_value, one.result, one.made_from, one.made_by, one.uses, _off(one))
            for one in rules
        ),
        right=("rule", "uses"),
    )


def _off(rule: RuleView) -> str:
    return (rule.disabled_reason or "off") if rule.disabled else ""


def make(
    printed: Annotated[
        str, typer.Argument(help="A name as it is printed; for a category, the merchant's as it is booked.")
    ],
    merchant: Annotated[str | None, typer.Option(help="It means this merchant.")] = None,
    category: Annotated[str | None, typer.Option(help="It gets this category.")] = None,
    owner: Owner = "default",
    data: Data = DEFAULT_DATA,
) -> None:
    """Make a rule by hand: it acts on later receipts, and nothing that is learned changes it."""
    from flows.ledger.rules import make_rule  # noqa: PLC0415
    from flows.ledger.schema import RuleKind  # noqa: PLC0415

    if (merchant is None) == (category is None):
        raise typer.BadParameter("give --merchant or --category")
    pipeline = asyncio.run(connect(data))
    kind = RuleKind.MERCHANT if merchant is not None else RuleKind.CATEGORY
    with pipeline.ledger.session() as session:
        rule = make_rule(owner, printed, kind, merchant or category or "", getpass.getuser(), session=session)
    console.print(f"rule {rule.id}: {rule.identity_value} → {rule.result}")


def remove(number: Number, owner: Owner = "default", data: Data = DEFAULT_DATA) -> None:
    """Remove a rule that was made by hand; switch a learned one off instead."""
    from flows.ledger.rules import remove_rule  # noqa: PLC0415

    pipeline = asyncio.run(connect(data))
    with pipeline.ledger.session() as session:
        remove_rule(number, owner=owner, session=session)
    console.print(f"rule {number} is removed")


def disable(number: Number, owner: Owner = "default", data: Data = DEFAULT_DATA) -> None:
    """Switch a rule off; what it chose before stays."""
    _switch(number, owner, data, disabled=True)


def enable(number: Number, owner: Owner = "default", data: Data = DEFAULT_DATA) -> None:
    """Switch a rule on, also one that was too broad."""
    _switch(number, owner, data, disabled=False)


def _switch(number: int, owner: str, data: Path, *, disabled: bool) -> None:
    pipeline = asyncio.run(connect(data))
    from flows.ledger.rules import switch_rule  # noqa: PLC0415

    with pipeline.ledger.session() as session:
        rule = switch_rule(number, getpass.getuser(), owner=owner, disabled=disabled, session=session)
    state = "off" if rule.disabled else "on"
    console.print(f"rule {rule.id} ({rule.identity_kind} {rule.identity_value} → {rule.result}) is {state}")
