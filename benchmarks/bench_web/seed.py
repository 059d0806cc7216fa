"""A ledger with very many expenses of one owner, written by COPY: as many rows as real receipts leave.

Words are drawn so that few are on most receipts and most on few (Zipf's law), as on paper: 110 a receipt, the mean of
the shared receipts. Texts are indexed by the ledger's own function.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal
from itertools import accumulate
from typing import Any
from uuid import UUID

import psycopg

from flows.domain.public_ids import expense_id
from flows.ledger.expenses.words import lexemes

OWNER = "bench"
_WORDS_A_RECEIPT = 110
_VOCABULARY = 40_000
_MERCHANTS = 3_000
_FIRST_DAY = dt.date(2020, 1, 1)
_DAYS = 2_500
_CURRENCIES = ("EUR",) * 8 + ("CHF", "USD")
CATEGORIES = ("Groceries", "Eating out", "Transport", "Fuel", "Office supplies", "Travel", None)
_SYLLABLES = [consonant + vowel for consonant in "bcdfghklmnprstvwz" for vowel in "aeiou"]

_TABLES = {
    "receipts": "id, bucket, key, etag, owner, source, state, sha256, content_id, received_at",
    "contents": "id, owner, sha256, media_type",
    "extractions": "id, content_id, engine, engine_version, parser_version, fields, decision",
    "expenses": (
        "id, content_id, receipt_id, extraction_id, owner, merchant, purchase_date, total, currency, public_id, "
        "created_at"
    ),
    "content_texts": "content_id, text, tsv",
}


def seed(url: str, expenses: int) -> None:
    """Fill the empty ledger at `url`."""
    rng = random.Random(1)
    words = vocabulary(rng)
    with psycopg.connect(url) as connection:
        # Keys are checked by what wrote them: the rows of one expense point at each other.
        connection.execute("SET session_replication_role = replica")
        connection.execute("DROP INDEX ix_content_texts_tsv")
        for first in range(0, expenses, 10_000):
            rows = list(_rows(rng, words, first, min(expenses, first + 10_000)))
            for table in _TABLES:
                _copy(connection, table, [row[table] for row in rows])
        connection.execute("SET maintenance_work_mem = '256MB'")
        connection.execute("CREATE INDEX ix_content_texts_tsv ON content_texts USING gin (tsv)")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def vocabulary(rng: random.Random) -> list[str]:
    """Words that could be of a language, the commonest first."""
    found: dict[str, None] = {}
    while len(found) < _VOCABULARY:
        found["".join(rng.choices(_SYLLABLES, k=rng.choice((2, 2, 3, 3, 4))))] = None
    return list(found)


def _rows(rng: random.Random, words: list[str], first: int, last: int) -> Iterator[dict[str, tuple[Any, ...]]]:
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    for number in range(first, last):
        ids = [UUID(int=rng.getrandbits(128), version=4) for _ in range(4)]
        receipt, content, extraction, expense = ids
        sha256 = f"{number:064x}"
        name = rng.randrange(_MERCHANTS)
        merchant = f"{words[name].title()} {words[name + 7].title()}"
        day = _FIRST_DAY + dt.timedelta(days=rng.randrange(_DAYS))
        total = Decimal(rng.randrange(100, 30_000)) / 100
        created = start + dt.timedelta(seconds=number * 60)
        text = f"{merchant}\n{' '.join(rng.choices(words, cum_weights=weights, k=_WORDS_A_RECEIPT))}\n{day} {total}"
        tsv = " ".join(f"'{word}'" for word in lexemes(text))
        yield {
            "receipts": (
                receipt,
                "inbox",
                f"{OWNER}/{number}.jpg",
                "e",
                OWNER,
                "api",
                "expensed",
                sha256,
                content,
                created,
            ),
            "contents": (content, OWNER, sha256, "image/jpeg"),
            "extractions": (extraction, content, "rapidocr", "1", "6", "{}", "accept"),
            "expenses": (
                *(expense, content, receipt, extraction, OWNER, merchant, day, total, rng.choice(_CURRENCIES)),
                *(expense_id(OWNER, sha256), created),
            ),
            "content_texts": (content, text, tsv),
        }


def _copy(connection: psycopg.Connection[Any], table: str, rows: list[tuple[Any, ...]]) -> None:
    with connection.cursor().copy(f"COPY {table} ({_TABLES[table]}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
