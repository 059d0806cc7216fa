"""The commands `backup`, `restore` and `backup-key`."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli.common import DEFAULT_DATA, AsJson, Data, console, print_json
from deployments.cli.connection import use_stack

if TYPE_CHECKING:
    from deployments.backup.manifest import Manifest
    from deployments.backup.restore import Restored

Place = Annotated[str, typer.Argument(help="A folder, or s3://bucket/prefix with boto's credentials.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(backup)
    app.command()(restore)
    app.command()(backup_key)


def backup(
    destination: Place,
    recipient: Annotated[list[str] | None, typer.Option(help="Public key (age1…) to encrypt to; repeatable.")] = None,
    plain_secrets: Annotated[
        bool, typer.Option("--plain-secrets", help="Include credentials and settings without encryption.")
    ] = False,
    without_results: Annotated[
        bool, typer.Option("--without-results", help="Leave out what was read: after a restore, retries read again.")
    ] = False,
    keep: Annotated[int | None, typer.Option(min=1, help="Remove all but so many of the newest backups.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Back up a running pipeline: ledger, originals, results, and encrypted also credentials and settings."""
    is_stack = use_stack(data)
    from deployments.backup.backup import Backup  # noqa: PLC0415
    from deployments.backup.destinations import open_destination  # noqa: PLC0415
    from deployments.backup.sealing import Sealer  # noqa: PLC0415
    from deployments.backup.site import site_of  # noqa: PLC0415
    from deployments.monitoring.inquiry import note_backup  # noqa: PLC0415

    sealer = Sealer(recipient or ())
    site = site_of(os.environ, data.expanduser().resolve() if is_stack else None)
    taken = Backup(
        site,
        open_destination(destination, create=True),
        sealer,
        with_secrets=bool(recipient) or plain_secrets,
        with_results=not without_results,
    )
    manifest = taken.take(keep)
    if is_stack:
        note_backup(data, taken.name, dt.datetime.now(dt.UTC))
    if as_json:
        print_json({"snapshot": taken.name, **manifest.model_dump(mode="json")})
    else:
        _print_taken(taken.name, manifest)


def _print_taken(name: str, manifest: Manifest) -> None:
    from deployments.backup.manifest import SECRETS  # noqa: PLC0415

    counts = manifest.counts
    console.print(
        f"{name}: {counts.objects} objects, {counts.copied} of them new ({counts.copied_bytes:,} bytes)",
        soft_wrap=True,
        highlight=False,
    )
    if counts.missing:
        console.print(f"{counts.missing} originals are in no bucket any more: receiptflow reconcile names them")
    if SECRETS not in manifest.files:
        console.print("without credentials and settings: they need --recipient, or --plain-secrets", soft_wrap=True)


def restore(
    source: Place,
    snapshot: Annotated[str | None, typer.Option(help="Which backup; the newest by default.")] = None,
    identity: Annotated[Path | None, typer.Option(help="File with the secret key of an encrypted backup.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put its ledger in place of one that is there.")] = False,
    elsewhere: Annotated[
        bool, typer.Option("--elsewhere", help="Restore to the parts that RECEIPTFLOW_LEDGER_URL and …_S3_… name.")
    ] = False,
    port: Annotated[int, typer.Option(envvar="RECEIPTFLOW_PORT", help="First of the ports to use meanwhile.")] = 4200,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into an empty data folder; start it with `receiptflow up` afterwards."""
    from deployments.backup.destinations import open_destination  # noqa: PLC0415
    from deployments.backup.embedded import restore_elsewhere, restore_stack  # noqa: PLC0415
    from deployments.backup.manifest import load_snapshot  # noqa: PLC0415
    from deployments.backup.sealing import Opener  # noqa: PLC0415
    from deployments.stack.settings import StackSettings  # noqa: PLC0415

    chosen, opener = load_snapshot(open_destination(source), snapshot), Opener(identity)
    if elsewhere:
        done = restore_elsewhere(chosen, os.environ, opener, replace=replace)
    else:
        done = restore_stack(chosen, StackSettings(data_dir=data, port=port), opener, replace=replace)
    if as_json:
        print_json(done.summary())
    else:
        _print_restored(done, data)


def _print_restored(done: Restored, data: Path) -> None:
    console.print(
        f"{done.snapshot}: {done.objects} objects, {done.put} of them put back; {done.in_flight} receipts were in "
        "flight and are submitted anew",
        soft_wrap=True,
        highlight=False,
    )
    if done.left_out:
        console.print(f"{done.left_out} overwritten versions left out: the bucket keeps none", soft_wrap=True)
    if not done.settings:
        console.print("Prefect's settings were not in the backup", soft_wrap=True)
    console.print(f"Next: receiptflow up --data {data}, then receiptflow reconcile --data {data}", soft_wrap=True)


def backup_key(
    file: Annotated[Path, typer.Argument(help="Where the secret key goes; keep it away from the backed-up machine.")],
) -> None:
    """Make a key pair for encrypted backups and print the public key, for `backup --recipient`."""
    from deployments.backup.sealing import make_key  # noqa: PLC0415

    typer.echo(make_key(file))
