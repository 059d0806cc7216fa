"""Zip archives as a stream: a piece at a time, without a file on the disk or the whole in memory."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# Zip knows no earlier day.
_FIRST_DAY = dt.date(1980, 1, 1)
_PIECE_BYTES = 256 * 1024


class Member(NamedTuple):
    """One file of an archive, in pieces. `day` is the time that it gets: the same files are the same archive."""

    name: str
    pieces: Iterable[bytes]
    day: dt.date | None = None
    is_text: bool = False


class _Sink(io.RawIOBase):
    """What the archive is written to: keeps what came since it was last emptied."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = memoryview(data)  # type: ignore[arg-type]  # whatever zipfile hands over is a buffer
        self._kept += piece
        return piece.nbytes

    def pop(self, at_least: int = 1) -> bytes:
        """What has come, if it is enough to be worth a piece."""
        if len(self._kept) < at_least:
            return b""
        taken = bytes(self._kept)
        self._kept.clear()
        return taken


def zip_stream(members: Iterable[Member]) -> Iterator[bytes]:
    """The archive of these files. Text is packed, pictures are as they are: they are packed already."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:
        for member in members:
            with archive.open(_info(member), "w") as file:
                for piece in member.pieces:
                    file.write(piece)
                    yield from filter(None, (sink.pop(_PIECE_BYTES),))
            yield from filter(None, (sink.pop(_PIECE_BYTES),))
    yield sink.pop()


def _info(member: Member) -> zipfile.ZipInfo:
    day = max(member.day or _FIRST_DAY, _FIRST_DAY)
    info = zipfile.ZipInfo(member.name, (day.year, day.month, day.day, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED if member.is_text else zipfile.ZIP_STORED
    info.external_attr = 0o644 << 16
    return info
