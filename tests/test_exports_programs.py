"""The real programs take what is exported, and have in their own books what the ledger has, to the cent.

Import, import again, a correction, a void, a receipt that comes late, one that comes back.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader
from beancount.core.data import Document, Transaction
from export_helpers import HOSTILE, OWNER, balance, change, exported, some_expenses, spent, void
from export_programs import Beancount, Books, Hledger, LedgerCli, OfxDump, OfxReader, Quiffen, needed, run

from flows.exports import pictures_into
from flows.ledger.database import Ledger
from flows.ledger.exports import AccountRule, Period, set_account

PROGRAMS: list[Callable[[], Books]] = [Beancount, LedgerCli, Hledger, OfxReader, OfxDump, Quiffen]
CURRENCIES = ("EUR", "JPY", "KWD")


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("tax_apart", [False, True])
def test_the_programs_books_are_ours(
    ledger: Ledger, tmp_path: Path, program: Callable[[], Books], tax_apart: bool
) -> None:
    books = program()
    if tax_apart:
        with ledger.session() as session:
            set_account(OWNER, AccountRule("", "tax", "19", "Expenses:Tax"), session=session)
    ids = taxed(ledger) if tax_apart else some_expenses(ledger)

    def hold() -> None:
        for _ in range(2):
            exported(ledger, books.target, tmp_path)
            books.take(tmp_path)
            for currency in CURRENCIES:
                ours = balance(ledger, currency)
                assert books.spent(currency) == (round(ours, 2) if program is OfxDump else ours), currency

    hold()
    change(ledger, ids[0], total=Decimal("98.76"), merchant=HOSTILE)
    hold()
    change(ledger, ids[0], payment_method="cash", purchase_date=dt.date(2026, 7, 1))
    void(ledger, ids[1])
    hold()
    spent(ledger, "late", purchase_date=dt.date(2024, 2, 29), total=Decimal("7.07"))
    change(ledger, ids[1], total=Decimal("3.50"))
    hold()
    for one in ids:
        void(ledger, one)
    hold()


def taxed(ledger: Ledger) -> list[str]:
    """Expenses that are larger than the tax of 2.00 that each has."""
    return [spent(ledger, name, total=Decimal(total)) for name, total in (("a", "12.50"), ("b", "21.00"))]


def test_a_late_receipt_is_lost_by_hledgers_import_and_not_by_its_include(ledger: Ledger, tmp_path: Path) -> None:
    """Why docs/exports.md says to include."""
    program = needed("hledger")
    spent(ledger, "a", purchase_date=dt.date(2026, 5, 5), total=Decimal(10))
    exported(ledger, "hledger", tmp_path)
    (tmp_path / "mine.journal").write_text("")
    take = (program, "-f", "mine.journal", "import", "receiptflow-2026.journal")
    run(*take, folder=tmp_path)
    spent(ledger, "late", purchase_date=dt.date(2026, 1, 5), total=Decimal(5))
    exported(ledger, "hledger", tmp_path)
    run(*take, folder=tmp_path)
    assert "2026-01-05" not in (tmp_path / "mine.journal").read_text()
    books = Hledger()
    books.take(tmp_path)
    assert books.spent("EUR") == Decimal(15)


def test_ledger_refuses_an_id_with_other_postings(ledger: Ledger, tmp_path: Path) -> None:
    """An old copy of our file beside the new one is noticed."""
    one = spent(ledger, "a", total=Decimal(10))
    exported(ledger, "ledger", tmp_path / "old")
    change(ledger, one, total=Decimal(11))
    exported(ledger, "ledger", tmp_path)
    (tmp_path / "main.ledger").write_text("include old/receiptflow.ledger\ninclude receiptflow.ledger\n")
    with pytest.raises(AssertionError, match="same UUID"):
        run(needed("ledger"), "-f", str(tmp_path / "main.ledger"), "bal")


def test_beangulp_takes_each_expense_once_and_shows_a_correction(ledger: Ledger, tmp_path: Path) -> None:
    """Our importer, in an import script as beangulp's users have one."""
    (tmp_path / "import.py").write_text(
        "import beangulp\nfrom flows.exports.beangulp_importer import ReceiptflowImporter\n"
        'beangulp.Ingest([ReceiptflowImporter("Liabilities:Card")])()\n'
    )
    mine = tmp_path / "mine.beancount"
    mine.write_text('include "receiptflow-accounts.beancount"\n')
    ids = [spent(ledger, "a", total=Decimal("10.10")), spent(ledger, "b", total=Decimal("7.77"), merchant=HOSTILE)]

    def take() -> str:
        exported(ledger, "beancount", tmp_path)
        script = (sys.executable, str(tmp_path / "import.py"), "extract", "-e", str(mine))
        told = run(*script, str(tmp_path / "receiptflow-2026.beancount"), folder=Path(__file__).parent.parent)
        with mine.open("a") as file:
            file.write(told)
        assert run(str(Path(sys.executable).with_name("bean-check")), str(mine)) == ""
        return told

    def ours() -> Decimal:
        entries, errors, _ = loader.load_file(str(mine))
        assert errors == []
        return sum((one.postings[0].units.number for one in entries if isinstance(one, Transaction)), Decimal(0))

    take()
    assert ours() == balance(ledger)
    take()
    assert ours() == balance(ledger)
    spent(ledger, "late", purchase_date=dt.date(2026, 1, 1), total=Decimal("0.07"))
    take()
    assert ours() == balance(ledger)
    before = ours()
    change(ledger, ids[0], total=Decimal("11.10"))
    assert "; " in (told := take()) and "changed: TRUE" in told and "11.10 EUR" in told
    assert ours() == before


def test_beancount_finds_the_pictures_that_its_documents_name(ledger: Ledger, tmp_path: Path) -> None:
    """And refuses the file of documents where they are not: why it is included by those who have them."""
    some_expenses(ledger)
    exported(ledger, "beancount", tmp_path)
    main = tmp_path / "main.beancount"
    names = ("receiptflow-accounts", "receiptflow", "receiptflow-documents")
    main.write_text("".join(f'include "{name}.beancount"\n' for name in names))
    check = str(Path(sys.executable).with_name("bean-check"))
    with pytest.raises(AssertionError, match="File does not exist"):
        run(check, str(main))
    _, gone = pictures_into(ledger, OWNER, tmp_path, Period(), lambda original: [original.key.encode()])
    assert gone == [] and run(check, str(main)) == ""
    entries, errors, _ = loader.load_file(str(main))
    assert errors == []
    documents = {next(iter(one.links)): Path(one.filename) for one in entries if isinstance(one, Document)}
    named = {one.meta["receiptflow"]: one.meta["document"] for one in entries if isinstance(one, Transaction)}
    assert len(documents) == 6 and {tmp_path / path for path in named.values()} == set(documents.values())
    assert all(documents[public_id] == tmp_path / path for public_id, path in named.items())
