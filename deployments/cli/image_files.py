"""Which files of a folder are pictures of receipts, by their first bytes. Imports no Prefect: it is asked first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import typer

from deployments.cli.common import console
from flows.containers import is_zip
from flows.domain.errors import ConfigurationError, UnreadableError
from flows.domain.junk_files import is_junk_file
from flows.reading.documents import media_type_of

_HEADER_BYTES = 1_000_000  # of a text the first amount tells, which may stand far behind an HTML head


def pictures_in(folder: Path, *, beside: Collection[str] = (), archives: bool = False) -> list[Path]:
    """The folder's files that begin like a picture or PDF; says of each other file that it is skipped.

    Args:
        folder: With all folders below it.
        archives: Keep ZIP archives too, which `add_files` opens.
        beside: Names of files that are known to lie beside the pictures, of which nothing is said.

    Raises:
        ConfigurationError: there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is no folder: name one with images, RECEIPTS=<folder>.")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    kept = []
    for path in without_junk(files, folder):
        if path.name.startswith(".") or path.name in beside:
            continue
        try:
            with path.open("rb") as file:
                head = file.read(_HEADER_BYTES)
            if not (archives and is_zip(head)):
                media_type_of(head)
        except UnreadableError as error:
            console.print(f"skipped {path.name}: {error}", soft_wrap=True)
        except OSError as error:
            console.print(f"skipped {path.name}: {error.strerror}", soft_wrap=True)
        else:
            kept.append(path)
    if not kept:
        raise ConfigurationError(f"{folder} holds no images or PDFs: name a folder that does, RECEIPTS=<folder>.")
    return kept


def without_junk(files: Sequence[Path], folder: Path = Path()) -> list[Path]:
    """The files that no operating system added to their folder by itself; the others are named on one line.

    Args:
        files: In any order.
        folder: Only folders below this one are looked at by name.
    """
    junk = [path for path in files if is_junk_file(_below(path, folder))]
    if junk:
        names = ", ".join(sorted({path.name for path in junk}))
        typer.echo(f"skipped {len(junk)} files of an operating system: {names}", err=True)
    return [path for path in files if path not in junk]


def _below(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
