"""Commands for operators: `sweep`, `doctor`, `env`."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.common import DEFAULT_DATA, AsJson, Data, console, print_json
from deployments.cli.connection import connect

_FINE = {True: "receiptflow is installed and complete.", False: "receiptflow is installed and complete, and can start."}


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(sweep)
    app.command()(doctor)
    app.command()(env)


def sweep(
    prefix: Annotated[str, typer.Option(help="Only keys that begin so, for example acme/.")] = "",
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Receive and submit whatever lies in the inbox and is not known yet, now and from here."""
    asyncio.run(_sweep(prefix, data, as_json))


async def _sweep(prefix: str, data: Path, as_json: bool) -> None:
    pipeline = await connect(data)
    from flows import sweep_inbox  # noqa: PLC0415

    counts = await sweep_inbox.sweep(pipeline, prefix=prefix)
    if as_json:
        print_json(vars(counts))
    else:
        console.print(counts.in_words())


def doctor(
    data: Data = DEFAULT_DATA,
    port: Annotated[int, typer.Option(envvar="RECEIPTFLOW_PORT", help="First of the stack's ports.")] = 4200,
    installation: Annotated[bool, typer.Option("--installation", help="Check the installation alone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what would stop `up`: what the installation lacks, a taken port, a data folder that cannot be used."""
    from deployments.stack.doctor import check_installation  # noqa: PLC0415
    from deployments.stack.preflight import check_start  # noqa: PLC0415
    from deployments.stack.settings import StackSettings  # noqa: PLC0415

    problems = check_installation()
    if not installation:
        problems += check_start(StackSettings(data_dir=data, port=port))
    if as_json:
        print_json(problems)
    else:
        for problem in problems:
            console.print(f"[bold red]missing[/] {problem.what}: {problem.cure}", soft_wrap=True)
        console.print(_FINE[installation] if not problems else f"{len(problems)} problems.")
    raise typer.Exit(1 if problems else 0)


def env(data: Data = DEFAULT_DATA) -> None:
    """Print the export lines that point `prefect`, `aws` and scripts at the stack: eval "$(receiptflow env)"."""
    from deployments.stack import shell_environment  # noqa: PLC0415
    from deployments.stack.settings import StackSettings  # noqa: PLC0415

    for name, value in shell_environment(StackSettings(data_dir=data)).items():
        typer.echo(f"export {name}={shlex.quote(value)}")
