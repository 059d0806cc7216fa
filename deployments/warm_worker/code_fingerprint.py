"""Whether the code on disk is still the code that a process imported: a fingerprint of the project's source files.

It covers the whole package of every module named, so that what a flow imports late is covered too, and notes when
distributions are installed or removed. Taken before every run: about a millisecond for a hundred files.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import site
from collections.abc import Iterator
from pathlib import Path

_SUFFIXES = (".py", ".so", ".json", ".yaml", ".toml")


class CodeFingerprint:
    """The modules that runs start from, and the state of their files."""

    def __init__(self, modules: list[str]) -> None:
        self.modules: list[str] = []
        self._roots: list[Path] = []
        for module in modules:
            self.add(module)

    def add(self, module: str) -> None:
        """Include a module, and with it its whole package; one that cannot be found is left to its run to report."""
        if module in self.modules:
            return
        self.modules.append(module)
        self.watch(module)

    def watch(self, *packages: str) -> bool:
        """Include the files of packages; whether that made a difference."""
        roots = [root for package in packages if (root := _root(package))]
        fresh = [root for root in dict.fromkeys(roots) if root not in self._roots]
        self._roots += fresh
        return bool(fresh)

    def fingerprint(self) -> str:
        """A digest that changes when any file of the packages, or the set of installed distributions, does."""
        digest = hashlib.blake2b("\n".join(self.modules).encode(), digest_size=16)
        for root in self._roots:
            for path, status in _files(root):
                digest.update(f"{path}\0{status.st_mtime_ns}\0{status.st_size}\0{status.st_ino}\n".encode())
        for packages in site.getsitepackages():
            if os.path.isdir(packages):  # noqa: PTH112  called for every run; a Path costs more than the call
                digest.update(str(os.stat(packages).st_mtime_ns).encode())  # noqa: PTH116
        return digest.hexdigest()


def _root(module: str) -> Path | None:
    """The directory of the module's top-level package, or the file of a module that is in none."""
    try:
        spec = importlib.util.find_spec(module.partition(".")[0])
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin) if spec.origin and spec.origin not in ("built-in", "frozen") else None


def _files(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    if root.is_file():
        yield str(root), root.stat()
        return
    pending = [str(root)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != "__pycache__" and not entry.name.startswith("."):
                        pending.append(entry.path)
                elif entry.name.endswith(_SUFFIXES):
                    yield entry.path, entry.stat()
