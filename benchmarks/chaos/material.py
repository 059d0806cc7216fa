"""What is fed in: sample receipts, each made a content of its own, some of them twice, and some unreadable files."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import random
import struct
import tempfile
import threading
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from deployments.samples.catalogue import CATALOGUE
from deployments.samples.model import SampleReceipt
from deployments.samples.render import render_receipt

Kind = Literal["receipt", "copy", "unreadable"]
OWNER = "chaos"
# Upright, small and clean: one costs Tesseract 0.3 to 0.8 CPU-seconds; one of them ends in review.
_BASES = (
    "us-diner.jpg",
    "es-bar.jpg",
    "de-supermarkt.jpg",
    "sg-bakery.png",
    "it-trattoria-crumpled.jpg",
    "ch-buchhandlung.jpg",
    "de-apotheke-faded.jpg",
)
_COPIES_SHARE = 0.15
_UNREADABLE_SHARE = 0.1


@dataclass(frozen=True)
class Item:
    """One file to be handed in. Items with the same `sha256` are the same receipt."""

    name: str
    data: bytes
    kind: Kind

    @property
    def sha256(self) -> str:
        """Of the content, in hex."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def etag(self) -> str:
        """As S3 names a plainly put object."""
        return hashlib.md5(self.data, usedforsecurity=False).hexdigest()


def make_items(count: int, rng: random.Random) -> list[Item]:
    """So many files in random order, the same for the same chance."""
    copies, unreadable = round(count * _COPIES_SHARE), round(count * _UNREADABLE_SHARE)
    originals = _receipts(count - copies - unreadable, rng)
    broken = [_unreadable(number, originals[0].data) for number in range(unreadable)]
    again = [_copy(number, rng.choice(originals)) for number in range(copies)]
    items = [*originals, *broken, *again]
    rng.shuffle(items)
    return items


class Purchases:
    """Receipts beside those that are fed in, each of a purchase of its own.

    Args:
        first_number: Behind those of `make_items`.
        rng: Chooses what they look like.
    """

    def __init__(self, first_number: int, rng: random.Random) -> None:
        self._numbers, self._rng, self._lock = itertools.count(first_number), rng, threading.Lock()

    def another(self, role: str) -> Item:
        """One that no other call gave, named after what becomes of it."""
        item = self._next()
        return replace(item, name=f"{role}-{item.name}")

    def twins(self) -> tuple[Item, Item]:
        """Two photos of one purchase: the same print in other bytes."""
        item = self._next()
        first, second = (with_comment(item.data, f"photo {number}") for number in (1, 2))
        return replace(item, name=f"photo-1-{item.name}", data=first), replace(
            item, name=f"photo-2-{item.name}", data=second
        )

    def _next(self) -> Item:
        with self._lock:
            base = self._rng.choice([receipt for receipt in CATALOGUE if receipt.name in _BASES])
            return _receipt(next(self._numbers), base)


def _receipts(count: int, rng: random.Random) -> list[Item]:
    bases = [receipt for receipt in CATALOGUE if receipt.name in _BASES]
    return [_receipt(number, rng.choice(bases)) for number in range(count)]


def _receipt(number: int, base: SampleReceipt) -> Item:
    """The base on a day of its own: two photos of one purchase are not posted twice."""
    bought = replace(base, when=base.when - dt.timedelta(days=number))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / base.name
        render_receipt(bought, path)
        marked = with_comment(path.read_bytes(), f"receipt {number}")
    return Item(f"{number:04d}-{base.name}", marked, "receipt")


def _copy(number: int, original: Item) -> Item:
    return Item(f"copy-{number:03d}-{original.name}", original.data, "copy")


def _unreadable(number: int, whole: bytes) -> Item:
    if number % 2:
        return Item(f"note-{number:03d}.txt", f"milk, eggs, note {number}\n".encode(), "unreadable")
    broken = with_comment(whole, f"broken {number}")
    return Item(f"broken-{number:03d}.jpg", broken[: len(broken) // 3], "unreadable")


def with_comment(data: bytes, comment: str) -> bytes:
    """The same picture with a comment in it, so that its bytes are its own: a JPEG segment or a PNG chunk."""
    text = comment.encode()
    if data.startswith(b"\xff\xd8"):
        return data[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + data[2:]
    body = b"tEXt" + b"Comment\x00" + text
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    end = data.rindex(b"IEND") - 4
    return data[:end] + chunk + data[end:]
