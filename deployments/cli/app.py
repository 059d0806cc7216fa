"""The command line's root: which commands there are, and how their errors become one clear line.

Heavy imports (Prefect takes seconds) happen inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from deployments.cli import (
    backup,
    categories,
    decisions,
    expenses,
    exports,
    keys,
    logs,
    operations,
    people,
    provisioning,
    prune,
    reading,
    receipts,
    reconcile,
    review,
    rules,
    service,
    settings,
    stack,
    status,
    usage,
    watch,
)
from deployments.version import installed_version

app = typer.Typer(
    name="receiptflow",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    stack,
    provisioning,
    receipts,
    expenses,
    categories,
    review,
    decisions,
    rules,
    settings,
    reading,
    operations,
    reconcile,
    prune,
    usage,
    backup,
    keys,
    exports,
    people,
    watch,
    status,
    logs,
    service,
):
    module.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"receiptflow {installed_version()}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A photographed receipt becomes an expense: durable, exactly once."""


def main() -> None:
    """Run the command line; our own errors end as one line on stderr and exit status 1."""
    from flows.domain.errors import ReceiptflowError  # noqa: PLC0415

    try:
        app()
    except ReceiptflowError as error:
        sys.stderr.write(f"receiptflow: {error}\n")
        sys.exit(1)
