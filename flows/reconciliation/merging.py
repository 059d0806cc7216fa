"""Two sorted streams side by side, and sorting a stream that does not fit into memory (in a temporary file)."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

L = TypeVar("L")
R = TypeVar("R")

_COLUMNS = 4


def side_by_side(
    left: Iterable[L], right: Iterable[R], left_key: Callable[[L], bytes], right_key: Callable[[R], bytes]
) -> Iterator[tuple[list[L], list[R]]]:
    """Each key's entries of both streams, an empty list where one has none. Both must be sorted by their key.

    Holds the entries of one key at a time.

    Raises:
        ValueError: a stream is not sorted; what is missing could not be found then.
    """
    lefts, rights = _groups(left, left_key), _groups(right, right_key)
    one, other = next(lefts, None), next(rights, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            yield one[1] if one else [], []
            one = next(lefts, None)
        elif one is None or other[0] < one[0]:
            yield [], other[1]
            other = next(rights, None)
        else:
            yield one[1], other[1]
            one, other = next(lefts, None), next(rights, None)


def _groups(entries: Iterable[L], key: Callable[[L], bytes]) -> Iterator[tuple[bytes, list[L]]]:
    last: bytes | None = None
    for found, group in groupby(entries, key):
        if last is not None and found < last:
            raise ValueError(f"{found!r} came behind {last!r}: the stream is not sorted")
        last = found
        yield found, list(group)


@contextmanager
def sorted_on_disk(rows: Iterable[tuple[str, ...]]) -> Iterator[Iterator[tuple[Any, ...]]]:
    """The distinct rows in the byte order of their columns' UTF-8, with constant memory whatever their number.

    Rows have one to four columns. A listing of S3 is sorted by the protocol's word, but SeaweedFS lists a folder's
    entries where the folder's own name stands ("a/1" before "a!/1"), so nobody's order is relied on.
    """
    with tempfile.TemporaryDirectory(prefix="receiptflow-") as folder:
        spool = sqlite3.connect(Path(folder) / "rows", check_same_thread=False, isolation_level=None)
        try:
            _fill(spool, iter(rows))
            yield iter(spool.execute("SELECT DISTINCT * FROM spool ORDER BY 1, 2, 3, 4"))
        finally:
            spool.close()


def _fill(spool: sqlite3.Connection, rows: Iterator[tuple[str, ...]]) -> None:
    # Scratch data: what a crash loses is made again by the next look.
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", "cache_size = -16000"):
        spool.execute(f"PRAGMA {pragma}")
    spool.execute("CREATE TABLE spool (a TEXT, b TEXT, c TEXT, d TEXT)")
    spool.execute("BEGIN")
    for row in rows:
        spool.execute("INSERT INTO spool VALUES (?, ?, ?, ?)", (*row, "", "", "")[:_COLUMNS])
    spool.execute("COMMIT")
