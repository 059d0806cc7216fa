"""The command that runs the embedded stack: `up`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli.common import DEFAULT_DATA, Data, console
from deployments.service_manager import tell_service_manager

if TYPE_CHECKING:
    from deployments.stack import Stack
    from deployments.stack.provisioning import Provisioning
    from deployments.stack.settings import StackSettings

_INTERRUPTED = 130  # as shells say it


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(up)


def up(
    data: Data = DEFAULT_DATA,
    port: Annotated[int, typer.Option(envvar="RECEIPTFLOW_PORT", help="First of the stack's ports.")] = 4200,
    demo: Annotated[bool, typer.Option("--demo", help="Put sample receipts in and show them being processed.")] = False,
    receipts: Annotated[Path | None, typer.Option(help="Put this folder's images in instead of the samples.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop after the last receipt is processed.")] = False,
    lan: Annotated[
        bool, typer.Option("--lan", help="Let other devices of the network reach the pages and the API.")
    ] = False,
    host: Annotated[
        str, typer.Option(envvar="RECEIPTFLOW_LAN_HOST", help="Only on this address of the machine; means --lan.")
    ] = "",
    tls: Annotated[
        bool,
        typer.Option(envvar="RECEIPTFLOW_LAN_TLS", help="Encrypted there, with a certificate of this stack's own."),
    ] = True,
    tls_cert: Annotated[
        Path | None, typer.Option(envvar="RECEIPTFLOW_TLS_CERT", help="Your certificate instead: PEM, with its chain.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(envvar="RECEIPTFLOW_TLS_KEY", help="The private key of --tls-cert: PEM.")
    ] = None,
) -> None:
    """Start the embedded stack: PostgreSQL, SeaweedFS, Prefect's server, worker and gateway. Ctrl-C stops all."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    from deployments.stack import Stack  # noqa: PLC0415
    from deployments.stack.app_services import worker_service  # noqa: PLC0415
    from deployments.stack.datadir import require_restored  # noqa: PLC0415
    from deployments.stack.gateway_service import gateway_service  # noqa: PLC0415
    from deployments.stack.provisioning import Provisioning  # noqa: PLC0415
    from deployments.stack.settings import StackSettings  # noqa: PLC0415

    settings = StackSettings(
        data_dir=data,
        port=port,
        lan_host=host or ("0.0.0.0" if lan else ""),  # noqa: S104  # what --lan asks for
        lan_tls=tls,
        tls_cert=tls_cert,
        tls_key=tls_key,
    )
    require_restored(settings.root)
    files = _pictures_in(receipts) if receipts is not None else None
    provisioning = Provisioning(settings, first_access=not once)
    services = (gateway_service(settings), worker_service(settings, provisioning.mark))
    try:
        with Stack(settings).begun(*services) as stack:
            os.environ.update(stack.environment)
            with provisioning:
                wanted = demo or files is not None
                left_over = _run(stack, settings, provisioning, demo=wanted, files=files, once=once)
    except KeyboardInterrupt:
        console.print("stopped")
        raise typer.Exit(130) from None
    raise typer.Exit(1 if left_over else 0)


def _run(
    stack: Stack,
    settings: StackSettings,
    provisioning: Provisioning,
    *,
    demo: bool,
    files: list[Path] | None,
    once: bool,
) -> bool:
    """See the services up and do what was asked for; the demo without files takes the samples.

    Returns:
        whether receipts are left over.
    """
    began = time.monotonic()
    made = _await_services(stack, settings, provisioning)
    console.print(f"deployments, worker and gateway are up ({time.monotonic() - began:.1f} s)")
    sign_in = None if once else _sign_in_words(settings, made["link"])
    if sign_in:
        # A folder may take long, and more can be uploaded meanwhile.
        _print_addresses(stack, settings, sign_in, made["key"])
    if demo:
        what = "the receipts of your folder" if files else "sample receipts"
        console.print(f"Next: {what} are put into the inbox and read; the table of expenses follows.", soft_wrap=True)
    left_over = demo and _demonstrate(files, stack.endpoints["gateway"], sign_in)
    if sign_in is None:
        return left_over
    with stack.heeding_signals():
        console.print("Ctrl-C stops everything.")
        tell_service_manager("READY=1")
        stack.wait()
    tell_service_manager("STOPPING=1")
    console.print("stopping")
    return False


def _pictures_in(folder: Path) -> list[Path]:
    from deployments.cli.image_files import pictures_in  # noqa: PLC0415 - imports what reads pictures

    return pictures_in(folder)


def _await_services(stack: Stack, settings: StackSettings, provisioning: Provisioning) -> dict[str, str | None]:
    """See all parts up, and provisioned before that where it is needed; what was made for the first access."""
    from deployments.stack.stack import CORE  # noqa: PLC0415

    stack.await_ready("postgres")
    provisioning.begin()
    stack.await_ready(*CORE)
    console.print(f"PostgreSQL, SeaweedFS and Prefect are up, state in {settings.root}", soft_wrap=True)
    made = provisioning.made()
    is_later = made is not None and not provisioning.is_needed
    if not is_later and (status := provisioning.finish()):
        raise typer.Exit(status)  # it has said why
    stack.await_ready()
    if is_later:
        provisioning.finish_later()
    return made or {}


def _demonstrate(files: list[Path] | None, gateway: str, sign_in: str | None) -> bool:
    """Whether receipts are left over of these files, or of the samples."""
    wanted = {"files": [str(path) for path in files or []], "gateway": gateway, "sign_in": sign_in}
    return _in_a_process("deployments.cli.demo", json.dumps(wanted)) != 0


def _in_a_process(module: str, text: str = "") -> int:
    """Run a module beside this process, which stays as long as the stack and should hold as little as it can.

    Returns:
        its exit status.
    """
    status = subprocess.run([sys.executable, "-m", module], input=text, text=True, check=False).returncode
    if status == _INTERRUPTED:
        raise KeyboardInterrupt
    return status


def _sign_in_words(settings: StackSettings, code: str | None) -> str:
    """How to sign in: by a link, as long as nobody has signed in yet."""
    from deployments.cli.people import sign_in_address  # noqa: PLC0415

    if code is None:
        return "with name and password, or by a link: receiptflow people link NAME"
    return f"{sign_in_address(settings.gateway_url, code)}   (works once)"


def _print_addresses(stack: Stack, settings: StackSettings, sign_in: str, made: str | None) -> None:
    from deployments.cli.lan import print_lan  # noqa: PLC0415
    from deployments.stack.gateway_service import key_file  # noqa: PLC0415

    gateway = stack.endpoints["gateway"]
    console.print(f"Sign in      {sign_in}", soft_wrap=True)
    console.print(f"Pages        {gateway}/   (API: {gateway}/docs)", soft_wrap=True)
    print_lan(settings)
    shown = f"{made}   (shown once, kept in" if made else "(kept in"
    console.print(f"API key      {shown} {key_file(settings)})", soft_wrap=True)
    auth = stack.environment["PREFECT_API_AUTH_STRING"]
    console.print(f"Prefect UI   {stack.endpoints['prefect']}/runs   (log in with {auth})", soft_wrap=True)
    console.print(f"S3           {stack.endpoints['s3']}   (credentials: receiptflow env)", soft_wrap=True)
