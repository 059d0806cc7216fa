"""The data folder of a stack: one owner at a time, private, with log files of bounded size."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import time
from pathlib import Path

from deployments.stack.errors import DataInUseError, DataUnusableError, PortBusyError
from deployments.stack.settings import Ports, StackSettings

_LOCK_NAME = "stack.lock"
# Lies in a data folder while a backup is restored into it.
RESTORE_MARK = "restore-unfinished"
# What a killed stack leaves behind dies within milliseconds; a loaded machine may take longer.
_DYING_SECONDS = 10.0
_MAX_LOG_BYTES = 10_000_000
_KEPT_LOGS = 3
_TAIL_LINES = 25


class DataLock:
    """Holds a data folder. Guardians inherit `descriptor`, so that it stays held until the last of them is gone."""

    def __init__(self, root: Path) -> None:
        self._path = root / _LOCK_NAME
        self.descriptor = -1

    def acquire(self) -> None:
        """Take the folder.

        Raises:
            DataInUseError: a living process holds it.
        """
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + _DYING_SECONDS
        while not self._try():
            owner = self._owner()
            if (owner and _alive(owner)) or time.monotonic() > deadline:
                self.release()
                raise DataInUseError(self._path.parent, owner)
            time.sleep(0.05)
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"{os.getpid()}\n".encode(), 0)

    def _try(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _owner(self) -> int | None:
        text = os.pread(self.descriptor, 32, 0).decode(errors="replace").strip()
        return int(text) if text.isdigit() else None

    def release(self) -> None:
        """Release the folder."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def owner_of_data(root: Path) -> int | None:
    """The process whose stack runs on a data folder now, if one does."""
    try:
        text = (root / _LOCK_NAME).read_text(errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    return int(text) if text.isdigit() and _alive(int(text)) else None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def make_folders(settings: StackSettings) -> None:
    """Make the data folder and what belongs into it, for its owner alone.

    Raises:
        DataUnusableError: it cannot be made or written, or the socket folder belongs to somebody else.
    """
    try:
        settings.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (settings.logs_dir, settings.prefect_home):
            folder.mkdir(mode=0o700, exist_ok=True)
        settings.socket_dir.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise DataUnusableError(
            f"Cannot use {settings.root} as data folder: {error}. Choose another (DATA=…)."
        ) from error
    if not os.access(settings.root, os.W_OK | os.X_OK):
        raise DataUnusableError(f"{settings.root} is not writable for you: choose another folder (DATA=…).")
    _require_own(settings.socket_dir)


def require_restored(root: Path) -> None:
    """Refuse a data folder that a restore was cut off in: its ledger is not there yet, and would be made empty.

    Raises:
        DataUnusableError: names the backup.
    """
    mark = root / RESTORE_MARK
    if mark.exists():
        raise DataUnusableError(
            f"The restore of {mark.read_text().strip()} into {root} was cut off: run `receiptflow restore` again, "
            "which goes on from there."
        )


def _require_own(folder: Path) -> None:
    """Refuse a folder in a shared place that somebody else made first. As root, PostgreSQL's user owns it."""
    status = folder.lstat()
    if folder.is_symlink() or (os.getuid() != 0 and status.st_uid != os.getuid()):
        raise DataUnusableError(
            f"{folder} belongs to somebody else: remove it, or choose a shorter data folder (DATA=…)."
        )
    if os.getuid() != 0:
        folder.chmod(0o700)


def require_free_ports(ports: Ports) -> None:
    """Refuse to start where a port of the plan is taken.

    Raises:
        PortBusyError: names the first such port.
    """
    for port in range(ports.base, ports.base + Ports.COUNT):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                raise PortBusyError(port, ports.base, Ports.COUNT) from error


def rotate_log(path: Path) -> None:
    """Put what a log holds aside once it is large; the oldest goes. Its writers append, and need not reopen it."""
    if not path.exists() or path.stat().st_size < _MAX_LOG_BYTES:
        return
    for number in range(_KEPT_LOGS - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    os.truncate(path, 0)


def log_tail(path: Path, start: int = 0) -> str:
    """The last lines that a part wrote after byte `start` of its log."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(start, size - 20_000) if start <= size else 0)
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-_TAIL_LINES:])
