"""A folder whose files are receipts: which of them are complete, and which were taken already.

A file is complete once its size and time of change have stayed the same for a while: scanners, copies and Syncthing
write theirs bit by bit. What was taken is remembered by name, size and time of change; were that memory lost, the files
would be looked at again and found to be known.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.domain.errors import ConfigurationError
from flows.domain.junk_files import is_junk_file

# What programs call files that they have not finished.
_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".tmp", ".temp", ".filepart", ".!ut")


@dataclass(frozen=True)
class Version:
    """A file's content as far as can be told without reading it."""

    size_bytes: int
    changed_ns: int


class WatchedFolder:
    """One folder with all folders below it. Links are not followed, hidden files are nobody's receipts.

    Args:
        folder: Its path.
        memory: File that remembers what was taken.
        settle_seconds: How long a file must have stayed the same.
        clock: Gives seconds that only grow.

    Raises:
        ConfigurationError: there is no such folder, or it may not be read.
    """

    def __init__(
        self, folder: Path, memory: Path, *, settle_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
            raise ConfigurationError(f"{folder} is no folder that can be read: make it, or name another.")
        self.folder, self._memory = folder, memory
        self._settle_seconds, self._clock = settle_seconds, clock
        self._taken = _load(memory)
        self._passed: dict[str, Version] = {}
        self._seen: dict[str, tuple[Version, float]] = {}

    def complete(self) -> list[Path]:
        """The files that are complete and were not taken, by name. Ask again to see others become so."""
        now, seen, found = self._clock(), dict[str, tuple[Version, float]](), list[Path]()
        for path, version in self._files():
            name = self._name(path)
            if version in (self._taken.get(name), self._passed.get(name)):
                continue
            before, since = self._seen.get(name, (None, now))
            seen[name] = (version, since if before == version else now)
            if before == version and now - since >= self._settle_seconds and version.size_bytes:
                found.append(path)
        self._seen = seen
        return sorted(found)

    @property
    def is_settling(self) -> bool:
        """Whether there are files that may become complete."""
        return any(version.size_bytes for version, _ in self._seen.values())

    def take(self, path: Path) -> None:
        """Remember a file as it was when it was found complete; a later change of it is another receipt."""
        name = self._name(path)
        self._taken[name] = self._seen[name][0]
        del self._seen[name]
        _save(self._memory, self._taken)

    def pass_over(self, path: Path) -> None:
        """Leave a file alone until it changes, or another process looks at it."""
        name = self._name(path)
        self._passed[name] = self._seen.pop(name)[0]

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _files(self) -> Iterator[tuple[Path, Version]]:
        for place, folders, names in os.walk(self.folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                path = Path(place, name)
                if name.startswith(".") or name.lower().endswith(_UNFINISHED) or is_junk_file(self._name(path)):
                    continue
                version = _version(path)
                if version is not None:
                    yield path, version


def _version(path: Path) -> Version | None:
    try:
        status = path.lstat()
    except OSError:  # gone meanwhile
        return None
    is_file = stat.S_ISREG(status.st_mode)
    return Version(status.st_size, status.st_mtime_ns) if is_file else None


def _load(memory: Path) -> dict[str, Version]:
    try:
        known = json.loads(memory.read_text())
        return {name: Version(*version) for name, version in known.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{memory}, which remembers what was taken, cannot be read ({error}): remove it. Files that are known "
            "are not taken twice."
        ) from error


def _save(memory: Path, taken: dict[str, Version]) -> None:
    memory.parent.mkdir(parents=True, exist_ok=True)
    new = memory.with_suffix(".new")
    new.write_text(json.dumps({name: [one.size_bytes, one.changed_ns] for name, one in taken.items()}))
    new.replace(memory)
