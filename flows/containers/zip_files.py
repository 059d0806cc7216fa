"""ZIP archives: their files one after the other, never more than the limits say, whatever their headers claim."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from flows.containers.contained import ContainedFile, ContainerError, ContainerLimits
from flows.domain.junk_files import is_junk_file

_BEGINNING = b"PK\x03\x04"
_ENCRYPTED = 0x1  # bit 0 of the general purpose flags (APPNOTE.TXT, 4.4.4)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


def is_zip(head: bytes) -> bool:
    """Whether a file that begins so is a ZIP archive; office documents are too."""
    return head.startswith(_BEGINNING)


def open_zip(source: bytes | Path, limits: ContainerLimits | None = None) -> Iterator[ContainedFile]:
    """The files of an archive, one in memory at a time. Folders and what operating systems added are passed over.

    Raises:
        ContainerError: it is broken, encrypted, or holds more than the limits allow. What came before is sound.
    """
    limits = limits or ContainerLimits()
    name = source.name if isinstance(source, Path) else "the archive"
    try:
        with zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as archive:
            yield from _files(archive, limits, name)
    except _BROKEN as error:
        raise ContainerError(f"{name} is no sound ZIP archive ({error}); pack it again.") from error


def _files(archive: zipfile.ZipFile, limits: ContainerLimits, name: str) -> Iterator[ContainedFile]:
    members = [one for one in archive.infolist() if not one.is_dir() and not is_junk_file(one.filename)]
    if len(members) > limits.max_files:
        raise ContainerError(f"{name} holds {len(members)} files, more than {limits.max_files}: split it.")
    left = limits.max_total_bytes
    for member in members:
        if member.flag_bits & _ENCRYPTED:
            raise ContainerError(f"{name} is encrypted: pack it again without a password.")
        with archive.open(member) as opened:
            data = _bounded(opened, min(limits.max_file_bytes, left))
        if data is None:
            raise ContainerError(
                f"{member.filename} in {name} is larger than allowed: at most {limits.max_file_bytes:,} bytes a file "
                f"and {limits.max_total_bytes:,} in all. Split it."
            )
        left -= len(data)
        yield ContainedFile(PurePosixPath(member.filename.replace("\\", "/")).name, data)


def _bounded(opened: IO[bytes], most: int) -> bytes | None:
    """The bytes of a member, or None if there are more: what its header says of its size is not believed."""
    data = opened.read(most + 1)
    return data if len(data) <= most else None
