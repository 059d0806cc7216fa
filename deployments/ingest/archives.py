"""The receipts in a ZIP archive, whichever way it comes in: its pictures and documents, one in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flows.containers import ContainedFile, ContainerError, ContainerLimits, open_zip
from flows.reading.documents import is_document


def documents_in(source: bytes | Path, name: str, limits: ContainerLimits | None = None) -> Iterator[ContainedFile]:
    """What an archive holds that may be read; what else is in it is passed over.

    Args:
        source: The archive, or where it is.
        name: As it is shown.
        limits: Of what is in it.

    Raises:
        ContainerError: it is broken, encrypted, too large or holds no receipts. What came before is sound.
    """
    found = False
    for inner in open_zip(source, limits):
        if is_document(inner.data):
            found = True
            yield inner
    if not found:
        raise ContainerError(f"{name} holds no pictures and no PDFs: it is an archive of something else.")
