"""The commands `service install`, `status` and `remove`: the embedded stack as a systemd unit."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.common import DEFAULT_DATA, Data

NAME = "receiptflow.service"
_RUNNING_SYSTEMD = Path("/run/systemd/system")  # sd_booted(3)
_SYSTEM_UNITS = Path("/etc/systemd/system")
_RUNTIME_FOLDERS = Path("/run/user")  # pam_systemd(8): where a user's manager is spoken to
# The first start makes databases and deployments; each part has its own limit below that.
_START_SECONDS = 900
# Parts stop one after the other; a worker may take 45 s for what it has.
_STOP_SECONDS = 120


class Whose(StrEnum):
    """Whose unit it is."""

    USER = "user"
    SYSTEM = "system"


WhoseUnit = Annotated[
    Whose,
    typer.Option(
        "--for", help="user: runs while you are signed in, or always with lingering; system: from boot on, needs root."
    ),
]
Port = Annotated[int, typer.Option(envvar="RECEIPTFLOW_PORT", help="First of the stack's ports.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="The stack as a systemd unit.", no_args_is_help=True)
    group.command()(install)
    group.command()(status)
    group.command()(remove)
    app.add_typer(group, name="service")


def install(
    whose: WhoseUnit = Whose.USER,
    run_as: Annotated[str | None, typer.Option(help="With --for system: the user it runs as; not root.")] = None,
    only_print: Annotated[bool, typer.Option("--print", help="Print the unit and change nothing.")] = False,
    data: Data = DEFAULT_DATA,
    port: Port = 4200,
    lan: Annotated[bool, typer.Option("--lan", help="Let other devices in, as `up --lan` does.")] = False,
) -> None:
    """Write the unit, start it, and have it started again after a crash and a boot."""
    user = run_as or os.environ.get("SUDO_USER") or getpass.getuser()
    folder = data.expanduser().resolve()
    text = unit(whose, folder, port, user, lan=lan)
    if only_print:
        typer.echo(text, nl=False)
        return
    _require_systemd(whose)
    _make_folder(folder, user if whose is Whose.SYSTEM else None)
    file = unit_file(whose)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    _systemctl(whose, "daemon-reload")
    typer.echo("Started; this takes until all of it is up, the first time a minute or two.")
    if _systemctl(whose, "enable", "--now", NAME, check=False):
        typer.echo(f"receiptflow: it did not come up: journalctl {_flag(whose)}-u {NAME} says why", err=True)
        raise typer.Exit(1)
    typer.echo(f"{file} is enabled and up; its output: journalctl {_flag(whose)}-u {NAME}")
    if whose is Whose.USER:
        typer.echo("It ends when you sign out, unless: loginctl enable-linger")


def status(whose: WhoseUnit = Whose.USER) -> None:
    """What systemd says of the unit; its exit status is systemctl's."""
    _require_systemd(whose)
    raise typer.Exit(_systemctl(whose, "status", "--no-pager", NAME, check=False))


def remove(whose: WhoseUnit = Whose.USER) -> None:
    """Stop the unit and remove it. The data folder stays."""
    _require_systemd(whose)
    _systemctl(whose, "disable", "--now", NAME, check=False)
    unit_file(whose).unlink(missing_ok=True)
    _systemctl(whose, "daemon-reload")
    typer.echo(f"{unit_file(whose)} is removed")


def unit_file(whose: Whose) -> Path:
    """Where the unit is written."""
    if whose is Whose.SYSTEM:
        return _SYSTEM_UNITS / NAME
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return config / "systemd" / "user" / NAME


def unit(whose: Whose, data: Path, port: int, user: str, *, lan: bool = False) -> str:
    """The unit's text.

    Args:
        whose: Of a user or the system.
        data: The stack's data folder, absolute.
        port: First of its ports.
        user: Whom a system unit runs as.
        lan: Whether other devices reach it.

    Raises:
        typer.BadParameter: a system unit would run as root.
    """
    if whose is Whose.SYSTEM and user == "root":
        raise typer.BadParameter("the stack needs no root: name an ordinary user with --run-as")
    command = " ".join(map(_quoted, (Path(sys.executable).with_name("receiptflow"), "up")))
    options = f"--data {_quoted(data)} --port {port}{' --lan' if lan else ''}"
    identity = f"User={user}\n" if whose is Whose.SYSTEM else ""
    target = "multi-user.target" if whose is Whose.SYSTEM else "default.target"
    return f"""[Unit]
Description=receiptflow: receipts become expenses
After=network.target
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
{identity}EnvironmentFile=-%E/receiptflow.env
WorkingDirectory={str(data.parent).replace("%", "%%")}
ExecStart={command} {options}
Restart=on-failure
RestartSec=5
KillMode=mixed
TimeoutStartSec={_START_SECONDS}
TimeoutStopSec={_STOP_SECONDS}
SuccessExitStatus=130 143
NoNewPrivileges=yes

[Install]
WantedBy={target}
"""


def _quoted(word: object) -> str:
    """A word of ExecStart (systemd.service(5), Command lines): quotes, backslashes, $ and % mean themselves."""
    text = str(word).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"'


def _make_folder(folder: Path, user: str | None) -> None:
    """The data folder, unless it is there; the user's that the unit runs as, where that is another."""
    if user is not None:
        try:
            pwd.getpwnam(user)
        except KeyError:
            raise typer.BadParameter(f"there is no user {user}: adduser --system --group {user}") from None
    if folder.exists():
        return
    folder.mkdir(mode=0o700, parents=True)
    if user is not None:
        shutil.chown(folder, user)


def _require_systemd(whose: Whose) -> None:
    if not _RUNNING_SYSTEMD.is_dir():
        raise typer.BadParameter(
            "systemd does not run on this machine; `receiptflow service install --print` shows the unit"
        )
    _bus(whose)


def _flag(whose: Whose) -> str:
    return "--user " if whose is Whose.USER else ""


def _systemctl(whose: Whose, *arguments: str, check: bool = True) -> int:
    command = ["systemctl", *_flag(whose).split(), *arguments]
    done = subprocess.run(command, env=os.environ | _bus(whose), check=False)
    if check and done.returncode:
        raise typer.Exit(done.returncode)
    return done.returncode


def _bus(whose: Whose) -> dict[str, str]:
    """Where a user's manager is spoken to; neither su nor sudo tell it.

    Raises:
        typer.BadParameter: The user has none.
    """
    if whose is Whose.SYSTEM or "XDG_RUNTIME_DIR" in os.environ:
        return {}
    folder = _RUNTIME_FOLDERS / str(os.getuid())
    if not folder.is_dir():
        raise typer.BadParameter("systemd keeps nothing running for you yet: loginctl enable-linger, then again")
    return {"XDG_RUNTIME_DIR": str(folder)}
