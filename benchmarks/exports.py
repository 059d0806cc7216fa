"""How long an export of many expenses takes and how much memory, beside Python's csv module writing the same rows.

    python -m benchmarks.exports [--expenses 200000] [--json out.json]

A fresh PostgreSQL of its own is filled with expenses, each with two lines and a tax row; each target exports them
twice, once as all new and once with nothing new, in a process of its own whose peak of resident memory is the kernel's.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from flows.exports import confirm, export, staging, targets
from flows.ledger.database import open_ledger
from flows.ledger.migrate import create_database, upgrade

OWNER = "bench"
_PORT = 31_700
_FILL = """
    INSERT INTO receipts (id, bucket, key, etag, owner, source, state)
        SELECT md5('r' || n)::uuid, 'inbox', 'bench/' || n || '.jpg', 'e' || n, 'bench', 'api', 'expensed'
        FROM generate_series(1, %(count)s) n;
    INSERT INTO contents (id, owner, sha256, media_type, size_bytes, canonical_receipt_id)
        SELECT md5('c' || n)::uuid, 'bench', md5('s' || n) || md5('t' || n), 'image/jpeg', 7, md5('r' || n)::uuid
        FROM generate_series(1, %(count)s) n;
    INSERT INTO extractions (id, content_id, engine, engine_version, parser_version, fields, words_key, decision)
        SELECT md5('x' || n)::uuid, md5('c' || n)::uuid, '', '', '', '{}', '', 'accept'
        FROM generate_series(1, %(count)s) n;
    INSERT INTO expenses (id, content_id, receipt_id, extraction_id, owner, public_id, merchant, purchase_date, total,
            subtotal, tax, currency, country, receipt_number, payment_method, category, tags)
        SELECT md5('e' || n)::uuid, md5('c' || n)::uuid, md5('r' || n)::uuid, md5('x' || n)::uuid, 'bench',
            'rf-' || md5('p' || n)::uuid, 'Markt am Eck ' || n %% 997, date '2024-01-01' + (n %% 730),
            (n %% 9973) / 100.0 + 2, (n %% 9973) / 100.0, 0.32, 'EUR', 'DE', n::text,
            CASE n %% 3 WHEN 0 THEN 'cash' ELSE 'card' END, 'Category ' || n %% 23, ARRAY['tag' || n %% 5]
        FROM generate_series(1, %(count)s) n;
    INSERT INTO line_items (expense_id, position, description, total, category)
        SELECT md5('e' || n)::uuid, line, 'Thing ' || line, 1 + line, 'Category ' || (n + line) %% 23
        FROM generate_series(1, %(count)s) n, generate_series(1, 2) line;
    INSERT INTO expense_taxes (expense_id, position, rate, net, amount)
        SELECT md5('e' || n)::uuid, 1, 19, 1.68, 0.32 FROM generate_series(1, %(count)s) n;
    ANALYZE;
"""


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--expenses", type=int, default=200_000)
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    # The processes that are measured import this module too, and what an export needs has no stack in it.
    from deployments.stack import Stack  # noqa: PLC0415
    from deployments.stack.settings import StackSettings  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="receiptflow-bench-") as folder:
        settings = StackSettings(data_dir=Path(folder), port=_PORT)
        with Stack(settings, core=["postgres"]) as stack:
            url = stack.settings.database_url("bench")
            create_database(url)
            upgrade(url)
            fill(url, given.expenses)
            print(f"{given.expenses} expenses, each with two lines and a tax row\n")
            print("| target | run | seconds | file MB | peak MB | of that before it began |\n|---|---|---|---|---|---|")
            rows = measure(url)
    if given.json:
        given.json.write_text(json.dumps({"expenses": given.expenses, "rows": rows}, indent=2))


def fill(url: str, count: int) -> None:
    """That many expenses."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for statement in _FILL.split(";\n"):
            if statement.strip():
                connection.execute(statement.encode(), {"count": count} if "%(count)s" in statement else None)


def measure(url: str) -> list[dict[str, Any]]:
    """Each target in a process of its own, all new and nothing new, then the bare csv module."""
    context = multiprocessing.get_context("spawn")
    rows = []
    for name in (*targets(), "csv module alone"):
        for run in ("all new", "nothing new") if name in targets() else ("",):
            answers = context.SimpleQueue()
            process = context.Process(target=_measure_one, args=(url, name, answers))
            process.start()
            process.join()
            if process.exitcode:
                sys.exit(f"{name} ended with {process.exitcode}")
            rows.append({"target": name, "run": run, **answers.get()})
            print(_line(rows[-1]), flush=True)
    return rows


def _measure_one(url: str, name: str, answers: Any) -> None:
    before, began = _peak_mb(), time.perf_counter()
    size = _csv_alone(url) if name not in targets() else _export(url, name)
    seconds = time.perf_counter() - began
    answers.put({"seconds": seconds, "mb": size / 1e6, "imported_mb": before, "peak_mb": _peak_mb()})


def _export(url: str, name: str) -> int:
    ledger = open_ledger(url)
    with staging() as output:
        made = export(ledger, OWNER, name, output)
        confirm(ledger, made, OWNER)
        return sum((output.folder / file).stat().st_size for file in output.names)


def _csv_alone(url: str) -> int:
    """The same columns of the same rows, of a plain cursor, in the way a script would write them."""
    columns = "public_id, revision, purchase_date, merchant, total, currency, category, payment_method, tax"
    with (
        tempfile.NamedTemporaryFile("w", newline="") as file,
        psycopg.connect(url.replace("+psycopg", "")) as connection,
    ):
        writer = csv.writer(file)
        with connection.cursor(name="bench") as cursor:
            cursor.itersize = 2000
            cursor.execute(f"SELECT {columns} FROM expenses ORDER BY purchase_date, public_id".encode())  # noqa: S608
            writer.writerows(cursor)
        file.flush()
        return Path(file.name).stat().st_size


def _peak_mb() -> float:
    """Most resident memory of this process (proc_pid_status(5)).

    Not `ru_maxrss`, which a process takes over from the one that started it.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _line(row: dict[str, Any]) -> str:
    return (
        f"| {row['target']} | {row['run']} | {row['seconds']:.1f} | {row['mb']:.1f} | {row['peak_mb']:.0f} | "
        f"{row['imported_mb']:.0f} |"
    )


if __name__ == "__main__":
    main()
