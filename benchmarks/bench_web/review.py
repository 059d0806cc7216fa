"""How long a reviewer waits: a decision with a correction, and the next receipt opened, with a queue of thousands."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal
from statistics import quantiles
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from psycopg.types.json import Jsonb

from benchmarks.bench_web.seed import OWNER
from flows.domain.fields import BBox, Found, LineItem, ReceiptFields
from flows.ledger.expenses.words import lexemes

QUEUE = 5_000
_LINES = 12


def seed_queue(url: str, receipts: int = QUEUE) -> None:
    """Put so many receipts into review, each read with fields, boxes and lines of its own."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")  # the rows of one receipt point at each other
        for number in range(receipts):
            _write(connection, number)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _write(connection: psycopg.Connection[Any], number: int) -> None:
    receipt, content, sha256 = uuid4(), uuid4(), f"{number + 10**9:064x}"
    connection.execute(
        "INSERT INTO contents (id, owner, sha256, media_type, size_bytes, canonical_receipt_id)"
        " VALUES (%s, %s, %s, 'image/jpeg', 1, %s)",
        [content, OWNER, sha256, receipt],
    )
    connection.execute(
        "INSERT INTO receipts (id, bucket, key, etag, owner, source, state, reason, reason_code, sha256, content_id,"
        " finished_at)"
        " VALUES (%s, 'inbox', %s, 'e', %s, 'api', 'review', 'The total is unsure.', 'unsure', %s, %s, now())",
        [receipt, f"{OWNER}/review/{number}.jpg", OWNER, sha256, content],
    )
    connection.execute(
        "INSERT INTO extractions (content_id, engine, engine_version, parser_version, fields, decision)"
        " VALUES (%s, 'rapidocr', '1', '6', %s, 'review')",
        [content, Jsonb(_fields(number).model_dump(mode="json"))],
    )
    printed = f"Markt {number % 500}\nHauptstrasse {number % 500}, 10115 Berlin\n" + "Brot 4.50\n" * _LINES
    connection.execute(
        "INSERT INTO content_texts (content_id, text, tsv) VALUES (%s, %s, array_to_tsvector(%s))",
        [content, printed, lexemes(printed)],
    )
    for kind, value in _marks(number):
        connection.execute(
            "INSERT INTO content_identities (content_id, kind, value, owner) VALUES (%s, %s, %s, %s)",
            [content, kind, value, OWNER],
        )


def _marks(number: int) -> list[tuple[str, str]]:
    """What a merchant is known by on a receipt that prints all of it."""
    merchant = number % 500
    return [
        *(("tax_id", f"DE{10**8 + merchant}"), ("phone", f"{10**7 + merchant}"), ("domain", f"markt{merchant}.de")),
        *(("address", f"10115 hauptstrasse {merchant}"), ("name", f"markt{merchant}")),
    ]


def _fields(number: int) -> ReceiptFields:
    day = dt.date(2026, 1, 1) + dt.timedelta(days=number % 300)
    amount, box = Decimal(1000 + number) / 100, BBox(1, 2, 3, 4)
    total: Found[Any] = Found(value=amount, confidence=0.6, page=1, bbox=box, evidence="SUMME")
    line: Found[Any] = Found(value=LineItem(description="Brot", total=Decimal("4.50")), confidence=0.9, page=1)
    return ReceiptFields(
        parser_version="6",
        merchant=Found(value=f"Markt {number % 500}", confidence=0.9, page=1),
        purchase_date=Found(value=day, confidence=0.9, page=1),
        total=total,
        currency=Found(value="EUR", confidence=0.9, page=1),
        line_items=(line,) * _LINES,
        reasons=("The total is unsure.",),
    )


async def review_times(client: httpx.AsyncClient, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds of one decision, and of decision and next receipt together, over so many receipts."""
    deciding, turning = [], []
    queued = await _next(client)
    for _ in range(rounds + 1):
        began = time.perf_counter()
        body = {"decision": "book", "corrections": {"total": "19.46"}, "keep_both": True, "seen": queued["updated_at"]}
        answer = await client.post(f"/receipts/{queued['receipt_id']}/decision", json=body)
        assert answer.status_code == 200, answer.text
        deciding.append((time.perf_counter() - began) * 1000)
        queued = await _next(client)
        shown = await client.get(f"/receipts/{queued['receipt_id']}")
        assert shown.status_code == 200, shown.text
        turning.append((time.perf_counter() - began) * 1000)
    return {"decide_ms": _cuts(deciding[1:]), "review_next_ms": _cuts(turning[1:])}


async def _next(client: httpx.AsyncClient) -> Any:
    answer = await client.get("/review", params={"limit": 1})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"][0]


def _cuts(taken: list[float]) -> dict[str, float]:
    cuts = quantiles(taken, n=20, method="inclusive")
    return {"p50": round(cuts[9], 1), "p95": round(cuts[18], 1)}
