"""The log files of a stack: their last lines, and new ones as they are written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from flows.domain.errors import ConfigurationError

_POLL_SECONDS = 0.5
_BLOCK_BYTES = 64 * 1024


class LogLine(NamedTuple):
    """One line of one part."""

    part: str
    text: str


def log_files(folder: Path, part: str | None = None) -> list[Path]:
    """The log files of a stack, or of one part.

    Raises:
        ConfigurationError: there are none, or none of this part; it names those that there are.
    """
    files = sorted(folder.glob("*.log"))
    if not files:
        raise ConfigurationError(f"{folder} holds no logs: no stack has run on this data folder; name it with --data.")
    chosen = [file for file in files if part is None or file.stem == part]
    if not chosen:
        raise ConfigurationError(f"There is no part {part}; there are: {', '.join(file.stem for file in files)}.")
    return chosen


def last_lines(file: Path, count: int) -> list[LogLine]:
    """The last lines of a file."""
    return [LogLine(file.stem, line) for line in islice(_lines_from_the_end(file), count)][::-1]


def all_lines(file: Path) -> Iterator[LogLine]:
    """All lines of a file."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        yield from (LogLine(file.stem, line.rstrip("\n")) for line in lines)


def _lines_from_the_end(file: Path) -> Iterator[str]:
    with file.open("rb") as opened:
        place, rest = opened.seek(0, 2), b""
        while place > 0:
            size = min(_BLOCK_BYTES, place)
            place = opened.seek(place - size)
            first, *lines = (opened.read(size) + rest).split(b"\n")
            rest = first
            yield from (line.decode(errors="replace") for line in reversed(lines) if line)
        if rest:
            yield rest.decode(errors="replace")


def follow(files: Sequence[Path], *, pause: Callable[[float], None] = time.sleep) -> Iterator[LogLine]:
    """New lines as they are written, for ever. A file that was begun anew is read from its beginning.

    Args:
        files: To be read from their present ends.
        pause: Called between two looks.
    """
    ends = {file: (file.stat().st_ino, file.stat().st_size) for file in files}
    while True:
        for file in files:
            try:
                status = file.stat()
            except FileNotFoundError:  # between the old file and the new one
                continue
            inode, end = ends[file]
            start = end if status.st_ino == inode and status.st_size >= end else 0
            data = _read(file, start)
            whole = data[: data.rfind(b"\n") + 1]
            ends[file] = (status.st_ino, start + len(whole))
            for line in whole.decode(errors="replace").splitlines():
                yield LogLine(file.stem, line)
        pause(_POLL_SECONDS)


def _read(file: Path, start: int) -> bytes:
    with file.open("rb") as opened:
        opened.seek(start)
        return opened.read()
