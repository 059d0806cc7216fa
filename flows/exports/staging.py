"""Files of an export while they are written: nobody sees them before they are whole."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

_PREFIX = ".receiptflow-export-"
_LEFT_OVER_SECONDS = 24 * 3600


class Staging:
    """A folder of files that grow one after the other. One handle is open at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: list[str] = []
        self._open: tuple[str, TextIO] | None = None

    def write(self, name: str, text: str) -> None:
        """Append to a file, which its first text makes."""
        if self._open is None or self._open[0] != name:
            self.close()
            self._open = (name, (self.folder / name).open("a", encoding="utf-8", newline=""))
            if name not in self.names:
                self.names.append(name)
        self._open[1].write(text)

    def close(self) -> None:
        """Have what was written on the disk."""
        if self._open is not None:
            _, file = self._open
            file.flush()
            os.fsync(file.fileno())
            file.close()
            self._open = None


@contextmanager
def staging(beside: Path | None = None) -> Iterator[Staging]:
    """A fresh folder that goes at the end of the block.

    Args:
        beside: Where the files are to be published; on the same disk they can be moved there in one step.
    """
    if beside is not None:
        beside.mkdir(parents=True, exist_ok=True)
        _remove_left_over(beside)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=beside))
    made = Staging(folder)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left_over(folder: Path) -> None:
    """Remove what killed exports left; whoever still writes has done so within the day."""
    for left in folder.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _LEFT_OVER_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def publish(made: Staging, folder: Path, *, stale: Sequence[str] = ()) -> list[Path]:
    """Move the files to where they are looked for, each in one step, the last written (an index) last.

    Args:
        made: What was written.
        folder: On the same disk.
        stale: Patterns of names; files of an earlier export that they fit and this one did not write are removed.
    """
    made.close()
    published = []
    for name in made.names:
        path = folder / name
        (made.folder / name).replace(path)
        published.append(path)
    for path in {path for pattern in stale for path in folder.glob(pattern)}:
        if path not in published and _is_ours(path):
            path.unlink()
    _sync(folder)
    return published


def _is_ours(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return "Written by receiptflow" in file.readline()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
