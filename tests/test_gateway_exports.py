"""Exports over HTTP: numbered exports, their files streamed, previews, accounts, pictures and a year as zips, VAT."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import hashlib
import io
import re
import subprocess
import zipfile
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from export_helpers import HOSTILE, OWNER, change, some_expenses, spent, void
from gateway_helpers import Gateway, gateway, start_gateway
from ledger_helpers import an_object, begun, record
from sqlalchemy import text

from flows.ledger.database import Ledger
from flows.ledger.receipts import claim_content, receive

__all__ = ["gateway", "start_gateway"]


def with_picture(ledger: Ledger, s3: Any, name: str, body: bytes, **fields: Any) -> str:
    """An expense whose picture is in the bucket; its public id."""
    key = f"{OWNER}/{name}.jpg"
    etag = s3.put_object(Bucket="inbox", Key=key, Body=body)["ETag"]
    version = s3.head_object(Bucket="inbox", Key=key).get("VersionId", "")
    with ledger.session() as session:
        stored = an_object(key, etag=etag, version_id=version, size_bytes=len(body))
        receipt_id = receive(stored, session=session).receipt_id
    attempt = begun(ledger, receipt_id)
    with ledger.session() as session:
        claim_content(attempt, hashlib.sha256(body).hexdigest(), session=session)
    record(ledger, attempt, merchant=f"Shop {name}", **fields)
    with ledger.session() as session:
        query = text("SELECT public_id FROM expenses WHERE receipt_id = :receipt")
        return str(session.scalar(query, {"receipt": receipt_id}))


async def test_an_export_is_made_had_and_had_again(gateway: Gateway, ledger: Ledger) -> None:
    ids = some_expenses(ledger)
    made = await gateway.anna.post("/exports/ofx", json={})
    assert (made.status_code, made.json()["number"], made.json()["new"]) == (201, 1, 6)
    first = await gateway.anna.get("/exports/ofx")
    assert first.status_code == 200 and first.text.count("<STMTTRN>") == 6
    assert first.headers["content-disposition"] == 'attachment; filename="receiptflow-0001.ofx"'
    assert (await gateway.anna.post("/exports/ofx", json={})).json()["number"] == 1
    void(ledger, ids[0])
    second = (await gateway.anna.post("/exports/ofx", json={})).json()
    assert (second["number"], second["voided"]) == (2, 1)
    assert second["changes"] == [{"public_id": ids[0], "kind": "voided", "revision": 2}]
    again = await gateway.anna.get("/exports/ofx", params={"number": 1})
    assert again.content == first.content
    listed = (await gateway.anna.get("/exports")).json()
    assert [(one["target"], one["number"]) for one in listed["exports"]] == [("ofx", 2), ("ofx", 1)]
    assert {"csv", "beancount"} < {one["name"] for one in listed["targets"]}


async def test_files_are_streamed_whole_and_note_nothing(gateway: Gateway, ledger: Ledger) -> None:
    some_expenses(ledger)
    answer = await gateway.anna.get("/exports/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 6 and answer.headers["content-type"].startswith("text/csv")
    assert (await gateway.anna.post("/exports/csv", json={})).json()["new"] == 6
    answer = await gateway.anna.get("/exports/hledger")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["receiptflow-2025.journal", "receiptflow-2026.journal", "receiptflow.journal"]
        assert archive.testzip() is None


async def test_another_owner_sees_nothing_of_it(gateway: Gateway, ledger: Ledger) -> None:
    some_expenses(ledger)
    await gateway.anna.post("/exports/ofx", json={})
    assert (await gateway.bert.get("/exports/ofx", params={"number": 1})).status_code == 404
    assert (await gateway.bert.get("/exports")).json()["exports"] == []
    assert len((await gateway.bert.get("/exports/csv")).text.splitlines()) == 1
    assert (await gateway.nobody.get("/exports/csv")).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "told"),
    [
        ("POST", "/exports/quickbooks", {"json": {}}, 404, "beancount"),
        ("GET", "/exports/quickbooks", {}, 404, "beancount"),
        ("GET", "/exports/ofx", {}, 404, "no export"),
        ("GET", "/exports/csv?number=1", {}, 422, "whole"),
        ("POST", "/exports/hledger", {"json": {"since_last": True}}, 422, "whole"),
        ("POST", "/exports/hledger", {"json": {"date_from": "2026-02-01"}}, 422, "1 January"),
        ("POST", "/exports/csv", {"json": {"date_from": "2026-02-01", "date_to": "2025-01-01"}}, 422, "swap"),
        ("POST", "/exports/csv", {"json": {"sinc": True}}, 422, "sinc"),
        ("PUT", "/exports/accounts", {"json": {"kind": "colour", "account": "A"}}, 422, "kind"),
        ("PUT", "/exports/accounts", {"json": {"kind": "tax", "value": "x", "account": "A"}}, 422, "value"),
        ("PUT", "/exports/accounts", {"json": {"kind": "tax", "target": "x", "account": "A"}}, 404, "target"),
        ("GET", "/exports/archive/99999", {}, 422, "year"),
        ("GET", "/vat?date_from=2026-01-01&date_to=2025-01-01", {}, 422, "swap"),
        ("GET", "/vat?date_from=2026-01-01&date_to=2026-01-01&by=week", {}, 422, "by"),
    ],
)
async def test_refusals_say_what_is_wrong(
    gateway: Gateway, method: str, path: str, options: dict[str, Any], status: int, told: str
) -> None:
    answer = await gateway.anna.request(method, path, **options)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert told in answer.json()["detail"]


async def test_what_a_target_would_refuse_is_named(gateway: Gateway, ledger: Ledger) -> None:
    lost = spent(ledger, "x", currency=None)
    answer = await gateway.anna.post("/exports/qif", json={})
    assert answer.status_code == 409 and lost in answer.json()["detail"]
    shown = (await gateway.anna.get("/exports/qif/preview")).json()
    assert [one["public_id"] for one in shown["refusals"]] == [lost]
    made = (await gateway.anna.post("/exports/qif", json={"leave_out": True})).json()
    assert (made["number"], made["refused"], made["refusals"][0]["public_id"]) == (None, 1, lost)


async def test_accounts_are_set_seen_in_the_preview_and_removed(gateway: Gateway, ledger: Ledger) -> None:
    spent(ledger, "a")
    rule = {"kind": "payment_method", "value": "card", "account": "Assets:Giro"}
    assert (await gateway.anna.put("/exports/accounts", json=rule)).json() == {"target": "", **rule}
    shown = (await gateway.anna.get("/exports/ledger/preview")).json()
    assert "Assets:Giro  -12.50 EUR" in shown["files"]["receiptflow-2026.ledger"]
    assert (await gateway.anna.get("/exports/accounts")).json() == [{"target": "", **rule}]
    gone = await gateway.anna.delete("/exports/accounts", params={"kind": "payment_method", "value": "card"})
    assert (gone.status_code, (await gateway.anna.get("/exports/accounts")).json()) == (204, [])


async def test_pictures_come_under_the_paths_that_files_name(gateway: Gateway, ledger: Ledger, s3_client: Any) -> None:
    bodies = {name: f"picture {name} {dt.datetime.now(dt.UTC)}".encode() * 9 for name in ("p1", "p2")}
    for name, body in bodies.items():
        with_picture(ledger, s3_client, name, body, purchase_date=dt.date(2026, 3, 4), total=Decimal(name[1]))
    spent(ledger, "gone")
    rows = list(csv.DictReader(io.StringIO((await gateway.anna.get("/exports/csv")).text)))
    named = {row["merchant"]: row["picture"] for row in rows}
    answer = await gateway.anna.get("/exports/pictures")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        for name, body in bodies.items():
            assert archive.read(named[f"Shop {name}"]) == body
        assert archive.read("missing.txt").decode() == f"{named['Shop gone']}\n"
        there = {*archive.namelist(), named["Shop gone"]}
    for target in ("csv", "beancount", "ledger", "hledger"):
        text = (await gateway.anna.get(f"/exports/{target}")).content
        if zipfile.is_zipfile(io.BytesIO(text)):
            with zipfile.ZipFile(io.BytesIO(text)) as files:
                text = b"".join(files.read(name) for name in files.namelist())
        paths = set(re.findall(r"receipts/\d{4}/[\w.-]+", text.decode()))
        assert len(paths) == 3 and paths <= there, target


async def test_a_year_for_an_accountant(gateway: Gateway, ledger: Ledger, s3_client: Any, tmp_path: Path) -> None:
    body = f"picture {dt.datetime.now(dt.UTC)}".encode()
    with_picture(ledger, s3_client, "p3", body, purchase_date=dt.date(2026, 3, 4), total=Decimal("1234.56"))
    odd = spent(ledger, "odd", merchant=f"{HOSTILE} 日本", purchase_date=dt.date(2026, 3, 5), currency="JPY")
    spent(ledger, "plain", purchase_date=dt.date(2026, 12, 31), total=Decimal("-4.00"))
    spent(ledger, "other", purchase_date=dt.date(2025, 12, 31))
    answer = await gateway.anna.get("/exports/archive/2026")
    assert answer.headers["content-disposition"] == 'attachment; filename="receiptflow-2026.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)
    check = partial(
        subprocess.run, ["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True
    )
    checked = await asyncio.to_thread(check)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert len(list(csv.DictReader((tmp_path / "expenses-2026.csv").open(newline="")))) == 3
    pages = pypdfium2.PdfDocument(tmp_path / "expenses-2026.pdf")
    texts = [page.get_textpage().get_text_range() for page in pages]
    assert len(texts) == 2
    assert "1234.56" in texts[0] and odd[:11] in texts[0] and "Café" in texts[0] and "Tax, 19 %: 2.00 EUR" in texts[0]
    assert "2026-12" in texts[1] and "-4.00" in texts[1]
    (picture,) = (tmp_path / "receipts/2026").glob("*.jpg")
    assert picture.read_bytes() == body
    change(ledger, odd, total=Decimal(1))
    assert (await gateway.anna.get("/exports/archive/2026")).content != answer.content


async def test_vat_is_told_by_rate(gateway: Gateway, ledger: Ledger) -> None:
    spent(ledger, "a", purchase_date=dt.date(2026, 1, 31))
    spent(ledger, "b", purchase_date=dt.date(2026, 4, 1), total=Decimal("99.00"))
    answer = await gateway.anna.get("/vat", params={"date_from": "2026-01-01", "date_to": "2026-12-31"})
    report = answer.json()
    assert [(row["period"], row["rate"], row["net"], row["tax"], row["gross"]) for row in report["rows"]] == [
        ("2026-Q1", "19", "10.50", "2.00", "12.50"),
        ("2026-Q2", "19", "10.50", "2.00", "12.50"),
    ]
    assert [(one["reason"], one["difference"]) for one in report["without"]] == [("does_not_add_up", "-86.50")]
