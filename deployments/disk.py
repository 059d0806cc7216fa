"""The disk that a stack's data folder lies on: how much is free, and whether that is a reason to warn."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Disk:
    """A file system, in bytes."""

    free_bytes: int
    total_bytes: int

    def is_low(self, warning_fraction: float) -> bool:
        """Whether less than this fraction of it is free."""
        return self.free_bytes < warning_fraction * self.total_bytes


def disk_of(folder: Path) -> Disk:
    """The file system that holds a folder."""
    usage = shutil.disk_usage(folder)
    return Disk(usage.free, usage.total)
