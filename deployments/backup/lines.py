"""Packed lists of lines, written and read with constant memory."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from typing import IO


def write_lines(file: IO[bytes], lines: Iterable[str]) -> None:
    """Write the lines and rewind."""
    with gzip.open(file, "wt", encoding="utf-8") as packed:
        packed.writelines(f"{line}\n" for line in lines)
    file.seek(0)


def read_lines(file: IO[bytes]) -> Iterator[str]:
    """The lines of a packed list."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield line.rstrip("\n")
