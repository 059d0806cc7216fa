"""Programs that take long to install take what is exported: Actual and LibreOffice. `make test-exports` runs it."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from export_helpers import HOSTILE, OWNER, balance, change, exported, spent, void
from export_programs import ALL_PROGRAMS, needed, run

from flows.exports.actual import open_actual
from flows.exports.errors import BooksRefusedError, BooksUnavailableError, ExportRefusedError
from flows.exports.push import push
from flows.ledger.database import Ledger

pytestmark = pytest.mark.slow
_MODULES = Path(os.environ.get("RECEIPTFLOW_ACTUAL_MODULES", "build/actual/node_modules")).absolute()
_PASSWORD = "a password of the tests"
_BUDGET = "Household"


@pytest.fixture(scope="module")
def actual_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Actual's own server from npm, with an empty budget of its own; its address."""
    node = needed("node", everywhere=False)
    program = _MODULES / "@actual-app/sync-server/build/bin/actual-server.js"
    if not program.exists():
        told = f"{program} is missing: make test-exports installs it"
        pytest.fail(told) if os.environ.get(ALL_PROGRAMS) else pytest.skip(told)
    from actual import Actual  # noqa: PLC0415

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("actual")
    settings = {"ACTUAL_PORT": str(port), "ACTUAL_HOSTNAME": "127.0.0.1", "ACTUAL_DATA_DIR": str(folder)}
    server = subprocess.Popen([node, str(program)], env=os.environ | settings, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _await(url, server)
        with Actual(base_url=url, password=_PASSWORD, bootstrap=True) as opened:
            opened.create_budget(_BUDGET)
            opened.upload_budget()
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)


def _await(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        try:
            httpx.get(f"{url}/info").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    pytest.fail("Actual's server does not answer")


def _told(url: str, folder: Path) -> dict[str, Any]:
    """What Actual's own library says that each account has."""
    from actual import Actual  # noqa: PLC0415

    with Actual(base_url=url, password=_PASSWORD, file=_BUDGET) as opened:
        sync_id = opened.file.group_id
    folder.mkdir()
    script = Path(__file__).with_name("actual_balances.mjs")
    told = run("node", str(script), str(_MODULES), url, _PASSWORD, str(sync_id), str(folder))
    answer: dict[str, Any] = json.loads(told.splitlines()[-1])
    return answer


def test_actuals_books_are_ours(ledger: Ledger, actual_server: str, tmp_path: Path) -> None:
    ids = [spent(ledger, name, total=Decimal(total)) for name, total in (("a", "10.10"), ("b", "-3.05"), ("c", "0.00"))]
    ids.append(spent(ledger, "d", total=Decimal("7.77"), merchant=HOSTILE))
    rounds = iter(range(100))

    def hold() -> None:
        for _ in range(2):
            with open_actual(actual_server, _PASSWORD, _BUDGET, "EUR") as books:
                push(ledger, OWNER, books)
        told = _told(actual_server, tmp_path / str(next(rounds)))
        assert Decimal(-sum(one["balance"] for one in told.values())) / 100 == balance(ledger)
        names = [name for one in told.values() for name in one["ids"]]
        assert len(set(names)) == len(names)

    hold()
    change(ledger, ids[0], total=Decimal("98.76"), payment_method="cash")
    hold()
    void(ledger, ids[1])
    spent(ledger, "late", total=Decimal("0.07"))
    hold()
    for one in ids:
        void(ledger, one)
    hold()


def test_actual_divides_by_category(ledger: Ledger, actual_server: str, tmp_path: Path) -> None:
    one = spent(ledger, "split", total=Decimal("10.00"))
    lines = """UPDATE line_items SET total = position, category = 'Category ' || position WHERE expense_id =
        (SELECT id FROM expenses WHERE public_id = %s)"""
    with ledger.session() as session:
        session.connection().exec_driver_sql(lines, (one,))
    with open_actual(actual_server, _PASSWORD, _BUDGET, "EUR") as books:
        push(ledger, OWNER, books)
    told = _told(actual_server, tmp_path / "split")
    assert sorted(told["Card"]["parts"]) == [-667, -333]


def test_actual_refuses_clearly(ledger: Ledger, actual_server: str) -> None:
    for password, budget, error in (
        ("wrong", _BUDGET, BooksRefusedError),
        (_PASSWORD, "No such budget", BooksRefusedError),
    ):
        with pytest.raises(error, match="Actual"), open_actual(actual_server, password, budget, "EUR"):
            pass
    with pytest.raises(BooksUnavailableError), open_actual("http://127.0.0.1:9", _PASSWORD, _BUDGET, "EUR"):
        pass
    yen = spent(ledger, "yen", currency="JPY")
    with open_actual(actual_server, _PASSWORD, _BUDGET, "EUR") as books, pytest.raises(ExportRefusedError, match=yen):
        push(ledger, OWNER, books)


@pytest.mark.parametrize("start", ["=1+1", "+1+1", "-1+1", "@SUM(1;1)", '=HYPERLINK("http://x";"y")'])
def test_libreoffice_runs_no_cell_and_sums_the_totals(ledger: Ledger, tmp_path: Path, start: str) -> None:
    office = needed("soffice", everywhere=False)
    spent(ledger, "a", merchant=start, total=Decimal("1234.56"))
    spent(ledger, "b", merchant=HOSTILE, total=Decimal("-0.56"))
    exported(ledger, "csv", tmp_path)
    # Field separator 44, text quoted by 34, UTF-8 (76), from line 1; what is a formula is evaluated.
    run(
        office, "--headless", "--infilter=CSV:44,34,76,1,,0,false,true,false,false,false,-1", "--convert-to",
        "fods", "--outdir", str(tmp_path), f"-env:UserInstallation=file://{tmp_path}/profile",
        str(tmp_path / "receiptflow.csv"),
    )  # fmt: skip
    assert "table:formula" not in (tmp_path / "receiptflow.fods").read_text()
    run(
        office, "--headless", "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1", "--outdir",
        str(tmp_path / "back"), f"-env:UserInstallation=file://{tmp_path}/profile", str(tmp_path / "receiptflow.fods"),
    )  # fmt: skip
    rows = list(csv.DictReader((tmp_path / "back/receiptflow.csv").open(newline="")))
    assert {row["merchant"].lstrip("'")[:4] for row in rows} == {start[:4], "Café"}
    assert sum(Decimal(row["total"]) for row in rows) == balance(ledger)
