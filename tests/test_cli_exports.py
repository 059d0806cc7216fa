"""The commands of exports: files in a folder, what was told, rules, value added tax, and servers."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from export_helpers import OWNER, balance, some_expenses, spent, void
from firefly_server import TOKEN, running_firefly
from typer.testing import CliRunner

from deployments.cli import exports as module
from deployments.cli.app import app
from flows.exports import ExportRefusedError
from flows.ledger.database import Ledger
from flows.pipeline.configuration import Pipeline


@pytest.fixture
def command(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command on this ledger; what it printed."""

    async def pipeline(_data: Path) -> Pipeline:
        nothing: Any = None
        return Pipeline("inbox", nothing, nothing, ledger, nothing, max_bytes=1, notification=None)

    monkeypatch.setattr(module, "connect", pipeline)

    def run(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, [*arguments, "--owner", OWNER], catch_exceptions=status != 0)
        assert done.exit_code == status, done.output
        if status == 1 and done.exception:
            raise done.exception
        return done.output

    return run


def test_export_tells_what_it_did_and_where(ledger: Ledger, tmp_path: Path, command: Any) -> None:
    ids = some_expenses(ledger)
    into = ("--into", str(tmp_path))
    assert "ofx: 6 new, 0 changed, 0 voided, export 1" in command("export", "ofx", *into)
    void(ledger, ids[0])
    told = command("export", "ofx", *into)
    assert f"voided since: {ids[0]}, revision 2" in told and "receiptflow-0002.ofx" in told.replace("\n", "")
    assert "0 new, 0 changed, 0 voided" in command("export", "ofx", *into)
    (tmp_path / "receiptflow-0001.ofx").unlink()
    command("export", "ofx", "--number", "1", *into)
    assert (tmp_path / "receiptflow-0001.ofx").exists()
    listed = json.loads(command("exports", "--json"))
    assert [(one["number"], one["voided"]) for one in listed] == [(2, 1), (1, 0)]


def test_export_since_the_last_one(ledger: Ledger, tmp_path: Path, command: Any) -> None:
    spent(ledger, "a")
    command("export", "csv", "--since", "last", "--into", str(tmp_path))
    spent(ledger, "b", total=Decimal(3))
    made = json.loads(command("export", "csv", "--since", "last", "--into", str(tmp_path), "--json"))
    assert (made["new"], made["files"]) == (1, ["receiptflow-changes-0002.csv"])
    assert "`last`" in command("export", "csv", "--since", "monday", status=2)


def test_preview_writes_nothing(ledger: Ledger, tmp_path: Path, command: Any) -> None:
    spent(ledger, "a")
    assert "Shop a" in command("export", "ledger", "--preview", "--into", str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()
    assert "0 exports" in command("exports")


def test_refusals(ledger: Ledger, tmp_path: Path, command: Any) -> None:
    lost = spent(ledger, "a", currency=None)
    with pytest.raises(ExportRefusedError, match=lost):
        command("export", "qif", "--into", str(tmp_path), status=1)
    assert f"left out: expense {lost}" in command("export", "qif", "--leave-out", "--into", str(tmp_path))
    assert "2026-11-30" in command("export", "qif", "--from", "monday", status=2)


def test_rules(ledger: Ledger, command: Any) -> None:
    spent(ledger, "a")
    assert "goes to Assets:Giro" in command(
        "export-accounts", "set", "payment_method", "Assets:Giro", "--value", "card"
    )
    assert "Assets:Giro  -12.50 EUR" in command("export", "hledger", "--preview")
    assert json.loads(command("export-accounts", "list", "--json"))[0]["account"] == "Assets:Giro"
    command("export-accounts", "remove", "payment_method", "--value", "card")
    assert "no rule" in command("export-accounts", "remove", "payment_method", "--value", "card", status=2)


def test_vat(ledger: Ledger, command: Any) -> None:
    spent(ledger, "a")
    without = spent(ledger, "b", total=Decimal(99))
    days = ("--from", "2026-01-01", "--to", "2026-12-31", "--by", "year")
    report = json.loads(command("vat", *days, "--json"))
    assert [(row["rate"], row["tax"]) for row in report["rows"]] == [("19", "4.00")]
    assert [one["public_id"] for one in report["without"]] == [without]
    assert "Value added tax" in command("vat", *days)


def test_a_server(ledger: Ledger, command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    spent(ledger, "a")
    assert "RECEIPTFLOW_BOOKS_SECRET" in command("export", "firefly", "--server", "http://x", status=2)
    monkeypatch.setenv("RECEIPTFLOW_BOOKS_SECRET", TOKEN)
    with running_firefly() as firefly:
        assert "firefly: 1 new" in command("export", "firefly", "--server", firefly.url)
        assert firefly.spent("EUR") == balance(ledger)
