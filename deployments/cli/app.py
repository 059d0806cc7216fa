"""The command line's root: which commands there are, and how their errors become one clear line.

Heavy imports (Prefect takes seconds) happen inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import sys

import typer

from deployments.cli import keys, operations, provisioning, reading, receipts, reconcile, stack

app = typer.Typer(
    name="receiptflow",
    help="A photographed receipt becomes an expense: durable, exactly once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (stack, provisioning, receipts, reading, operations, reconcile, keys):
    module.register(app)


def main() -> None:
    """Run the command line; our own errors end as one line on stderr and exit status 1."""
    from flows.domain.errors import ReceiptflowError  # noqa: PLC0415

    try:
        app()
    except ReceiptflowError as error:
        sys.stderr.write(f"receiptflow: {error}\n")
        sys.exit(1)
