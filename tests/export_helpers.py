"""What the tests of exports share: expenses as a person would have them, and exports into a folder."""

from __future__ import annotations

import datetime as dt
import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any

from ledger_helpers import claimed, record
from sqlalchemy import text

from flows.exports import Exported, Options, export, export_into, publish, staging
from flows.ledger.database import Ledger

OWNER = "anna"
HOSTILE = 'Café "Zum \\ Löwen"; 2 | <b>&amp; =1+1\n\u202e\u05e9\u05dc\u05d5\u05dd\u202c 🧾 (x) #tag, ^link'

_TEXTS = ("merchant", "receipt_number", "category", "notes")


def spent(ledger: Ledger, key: str, **fields: Any) -> str:
    """Post one expense of a picture named `key`; its public id."""
    attempt = claimed(ledger, f"{OWNER}/{key}.jpg", hashlib.sha256(key.encode()).hexdigest())
    given = {name: fields.pop(name) for name in ("category", "tags", "notes") if name in fields}
    record(ledger, attempt, merchant=fields.pop("merchant", f"Shop {key}"), **fields)
    with ledger.session() as session:
        for name, value in given.items():
            query = f"UPDATE expenses SET {name} = :value WHERE receipt_id = :receipt"  # noqa: S608  # three of ours
            session.execute(text(query), {"value": value, "receipt": attempt.receipt_id})
        wanted = text("SELECT public_id FROM expenses WHERE receipt_id = :receipt")
        return str(session.scalar(wanted, {"receipt": attempt.receipt_id}))


def change(ledger: Ledger, public_id: str, **columns: Any) -> None:
    """Another revision of an expense, with other values."""
    sets = ", ".join(f"{name} = :{name}" for name in columns)
    sets += ", revision = revision + 1, voided_at = NULL"
    query = f"UPDATE expenses SET {sets} WHERE public_id = :public_id"  # noqa: S608  # columns that tests name
    with ledger.session() as session:
        session.execute(text(query), {"public_id": public_id, **columns})


def void(ledger: Ledger, public_id: str) -> None:
    """Take an expense back."""
    with ledger.session() as session:
        query = "UPDATE expenses SET voided_at = now(), revision = revision + 1 WHERE public_id = :public_id"
        session.execute(text(query), {"public_id": public_id})


def exported(ledger: Ledger, target: str, folder: Path, *, confirmed: bool = True, **options: Any) -> Exported:
    """Export into a folder, as the command does; without `confirmed` as if it was killed at the end."""
    if confirmed:
        *_, made = export_into(ledger, OWNER, target, folder, Options(**options))
        return made
    with staging(folder) as output:
        made = export(ledger, OWNER, target, output, **options)
        publish(output, folder)
    return made


def balance(ledger: Ledger, currency: str = "EUR") -> Decimal:
    """What was spent in a currency, as the ledger has it."""
    with ledger.session() as session:
        query = "SELECT COALESCE(sum(total), 0) FROM expenses WHERE voided_at IS NULL AND currency = :currency"
        return Decimal(session.scalar(text(query), {"currency": currency}))


def some_expenses(ledger: Ledger) -> list[str]:
    """Six expenses of two years: a refund, one of nothing, one of hostile texts, yen and dinars."""
    return [
        spent(ledger, "a", purchase_date=dt.date(2025, 12, 31), total=Decimal("10.10")),
        spent(ledger, "b", purchase_date=dt.date(2026, 1, 2), total=Decimal("-3.05")),
        spent(ledger, "c", purchase_date=dt.date(2026, 1, 3), total=Decimal("0.00")),
        spent(
            ledger,
            "d",
            purchase_date=dt.date(2026, 1, 3),
            total=Decimal("7.77"),
            **dict.fromkeys(_TEXTS, HOSTILE),
            tags=[HOSTILE, "a b", "x:y"],
        ),
        spent(ledger, "e", purchase_date=dt.date(2026, 2, 1), total=Decimal(1500), currency="JPY"),
        spent(ledger, "f", purchase_date=dt.date(2026, 2, 1), total=Decimal("1.234"), currency="KWD"),
    ]
