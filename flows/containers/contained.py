"""What comes out of a container, and how much may."""

from __future__ import annotations

from dataclasses import dataclass

from flows.domain.errors import ReceiptflowError


class ContainerError(ReceiptflowError):
    """A container that cannot or must not be opened; nothing was taken out of it. The message says what to do."""


@dataclass(frozen=True)
class ContainerLimits:
    """Limits of one container. Sizes in bytes, of what is in it once expanded."""

    max_files: int = 500
    max_file_bytes: int = 50_000_000
    max_total_bytes: int = 500_000_000


@dataclass(frozen=True)
class ContainedFile:
    """One file of a container. `name` is its own, without folders: what a container says of places is not followed."""

    name: str
    data: bytes
