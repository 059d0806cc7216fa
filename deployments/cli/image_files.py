"""Which files of a folder are pictures of receipts, by their first bytes. Imports no Prefect: it is asked first."""

from __future__ import annotations

from pathlib import Path

from deployments.cli.common import console
from flows.domain.errors import ConfigurationError, UnreadableError
from flows.reading.documents import media_type_of

_HEADER_BYTES = 4096


def pictures_in(folder: Path) -> list[Path]:
    """The folder's files that begin like a picture or PDF; says of each other file that it is skipped.

    Raises:
        ConfigurationError: there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is no folder: name one with images, RECEIPTS=<folder>.")
    kept = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        try:
            with path.open("rb") as file:
                media_type_of(file.read(_HEADER_BYTES))
        except UnreadableError as error:
            console.print(f"skipped {path.name}: {error}", soft_wrap=True)
        except OSError as error:
            console.print(f"skipped {path.name}: {error.strerror}", soft_wrap=True)
        else:
            kept.append(path)
    if not kept:
        raise ConfigurationError(f"{folder} holds no images or PDFs: name a folder that does, RECEIPTS=<folder>.")
    return kept
