"""What each target's file says: hostile text, money of all currencies, accounts, splits, refusals, previews."""

from __future__ import annotations

import csv
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from export_helpers import HOSTILE, OWNER, balance, change, exported, some_expenses, spent, void
from hypothesis import given
from hypothesis import strategies as st

from flows.exports import ExportRefusedError, UnknownTargetError, export, preview, staging, targets
from flows.exports.beancount import BeancountFile
from flows.exports.booking import Accounts, Posting, book
from flows.exports.errors import ExpenseRefusedError
from flows.exports.firefly_csv import COLUMNS, configuration
from flows.exports.hledger import HledgerFile
from flows.exports.ledger_cli import LedgerFile
from flows.exports.ofx import OfxFile
from flows.exports.pictures import picture_path
from flows.exports.plain_text import AccountTree
from flows.exports.qif import QifFile
from flows.exports.shares import shares
from flows.exports.text import account_part, cut, money, one_line
from flows.ledger.database import Ledger
from flows.ledger.exports import (
    AccountRule,
    ExpenseRow,
    ExportLine,
    ExportTax,
    InvalidAccountError,
    Original,
    list_accounts,
    remove_account,
    set_account,
)


def a_row(**changes: Any) -> ExpenseRow:
    """An expense of two lines in two categories."""
    values: dict[str, Any] = {
        "public_id": "rf-1",
        "revision": 1,
        "voided": False,
        "merchant": "Markt",
        "purchase_date": dt.date(2026, 11, 20),
        "purchase_time": None,
        "total": Decimal("10.00"),
        "currency": "EUR",
        "payment_method": "card",
        "category": None,
        "tags": (),
        "lines": (),
        "taxes": (),
        "original": Original("inbox", "anna/a.JPG", "e", "", 7, "image/jpeg", "ab"),
    }
    rest = {name: None for name in ExpenseRow.__slots__ if name not in values}
    return ExpenseRow(**(rest | values | changes))


def line(total: str, category: str | None) -> ExportLine:
    """A bought thing."""
    return ExportLine("thing", None, None, None, Decimal(total), category)


def accounts(*rules: tuple[str, str, str], names: Any = None) -> Accounts:
    """Accounts by rules of kind, value and account."""
    return Accounts([AccountRule("", *rule) for rule in rules], names or AccountTree())


@given(
    st.decimals(min_value=-10_000, max_value=10_000, places=2),
    st.lists(st.decimals(min_value="0.01", max_value=500, places=2), min_size=1, max_size=9),
)
def test_shares_always_add_up(total: Decimal, weights: list[Decimal]) -> None:
    parts = shares(total, weights, 2)
    assert sum(parts) == total
    exact = [total * weight / sum(weights) for weight in weights]
    assert all(abs(part - share) < Decimal("0.01") for part, share in zip(parts, exact, strict=True))


def test_tax_and_tip_go_to_the_categories_by_share_to_the_cent() -> None:
    row = a_row(
        total=Decimal("10.00"), lines=(line("3.00", "Food"), line("3.00", "Books"), line("3.00", None)), category="Misc"
    )
    assert [(one.category, one.amount) for one in book(row, accounts(), None).postings] == [
        ("Food", Decimal("3.34")),
        ("Books", Decimal("3.33")),
        ("Misc", Decimal("3.33")),
    ]


def test_yen_and_dinars_are_divided_in_their_own_units() -> None:
    lines = (line("1", "A"), line("1", "B"), line("1", "C"))
    yen = book(a_row(total=Decimal(100), currency="JPY", lines=lines), accounts(), None)
    assert [one.amount for one in yen.postings] == [Decimal(34), Decimal(33), Decimal(33)]
    dinars = book(a_row(total=Decimal("0.100"), currency="KWD", lines=lines), accounts(), None)
    assert [one.amount for one in dinars.postings] == [Decimal("0.034"), Decimal("0.033"), Decimal("0.033")]


def test_tax_goes_to_its_account_where_there_is_one() -> None:
    taxes = (
        ExportTax(Decimal("19.00"), Decimal("5.00"), Decimal("0.95")),
        ExportTax(Decimal(7), Decimal(3), Decimal("0.21")),
    )
    booking = book(a_row(taxes=taxes), accounts(("tax", "19", "Assets:VAT:19")), None)
    assert booking.postings == (
        Posting("Expenses:Uncategorized", Decimal("9.05"), None),
        Posting("Assets:VAT:19", Decimal("0.95"), None, is_tax=True),
    )
    everything = book(a_row(taxes=taxes), accounts(("tax", "", "Assets:VAT")), None)
    assert sum(one.amount for one in everything.postings if one.is_tax) == Decimal("1.16")
    with pytest.raises(ExpenseRefusedError, match="taxes are larger"):
        book(a_row(total=Decimal("0.50"), taxes=taxes), accounts(("tax", "", "Assets:VAT")), None)


def test_a_refund_is_divided_too() -> None:
    row = a_row(total=Decimal("-10.00"), lines=(line("-3.00", "Food"), line("-6.00", "Books")))
    assert [one.amount for one in book(row, accounts(), None).postings] == [Decimal("-3.33"), Decimal("-6.67")]


def test_an_account_that_does_not_exist_is_named() -> None:
    known = (("known", "a", "Assets:Cash"), ("known", "b", "Liabilities:Card"), ("known", "c", "Expenses:Food"))
    assert book(a_row(category="Food"), accounts(*known), None).account == "Liabilities:Card"
    with pytest.raises(ExpenseRefusedError, match="'Expenses:Books', which is none of the accounts that there are"):
        book(a_row(category="Books"), accounts(*known), None)


@pytest.mark.parametrize("account", ["expenses:food", "Expenses:food", "Expenses:A_b", "Spent:A", "Expenses", "Ex\nA"])
def test_beancount_takes_its_own_accounts_only(account: str) -> None:
    with pytest.raises(ExpenseRefusedError, match="Beancount takes no account"):
        BeancountFile().render(a_row(category="X"), accounts(("category", "X", account)))


def test_ofx_refuses_an_account_that_is_too_long() -> None:
    with pytest.raises(ExpenseRefusedError, match="longer"):
        OfxFile().entry(a_row(), accounts(("payment_method", "card", "an account of a bank far away")))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("essen & trinken", "Essen-trinken"),
        ("_", "Other"),
        ("日用品", "X日用品"),
        ("3D", "3D"),
        ("ßa", "Sa"),
        ("Ärzte", "Ärzte"),
        ("🧾", "Other"),
    ],
)
def test_accounts_are_named_after_categories(text: str, part: str) -> None:
    assert account_part(text) == part


def test_hostile_text_is_one_line_and_keeps_its_direction() -> None:
    assert one_line(HOSTILE) == 'Café "Zum \\ Löwen"; 2 | <b>&amp; =1+1 שלום 🧾 (x) #tag, ^link'
    assert cut("ab👨‍👩‍👧", 3) == "ab"
    assert cut("abcé" + "x" * 40, 4) == "abcé"


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [("1500", "JPY", "1500"), ("1.2", "KWD", "1.200"), ("1E+3", "EUR", "1000.00"), ("0.125", "EUR", "0.125")],
)
def test_amounts_have_the_places_of_their_currency(amount: str, currency: str, text: str) -> None:
    assert money(Decimal(amount), currency) == text


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r\n=1", "＝1", " =1"])
def test_no_cell_of_text_is_a_formula(ledger: Ledger, tmp_path: Path, start: str) -> None:
    spent(ledger, "a", merchant=f"{start}|cmd")
    exported(ledger, "csv", tmp_path)
    (row,) = csv.DictReader((tmp_path / "receiptflow.csv").open(newline=""))
    assert row["merchant"].startswith("'")
    assert row["total"] == "12.50"


def test_csv_of_changes_says_what_became_of_each(ledger: Ledger, tmp_path: Path) -> None:
    ids = some_expenses(ledger)
    exported(ledger, "csv", tmp_path, since_last=True)
    change(ledger, ids[0], total=Decimal(99))
    void(ledger, ids[1])
    spent(ledger, "late", total=Decimal(5))
    exported(ledger, "csv", tmp_path, since_last=True)
    rows = list(csv.DictReader((tmp_path / "receiptflow-changes-0002.csv").open(newline="")))
    assert {(row["public_id"], row["status"], row["total"]) for row in rows if row["status"] != "new"} == {
        (ids[0], "changed", "99.00"),
        (ids[1], "voided", "-3.05"),
    }
    assert [row["total"] for row in rows if row["status"] == "new"] == ["5.00"]


def test_an_empty_ledger_makes_files_that_say_so(ledger: Ledger, tmp_path: Path) -> None:
    for name in ("csv", "beancount", "ledger", "hledger"):
        assert exported(ledger, name, tmp_path).number is None
    assert (tmp_path / "receiptflow.csv").read_text().startswith("public_id,")
    assert "include" not in (tmp_path / "receiptflow.ledger").read_text().split("\n", 1)[1]


@pytest.mark.parametrize("target", [BeancountFile(), LedgerFile(), HledgerFile()])
def test_plain_text_of_hostile_values_stays_one_transaction(target: Any) -> None:
    row = a_row(merchant=HOSTILE, notes=HOSTILE, receipt_number=HOSTILE, category=HOSTILE, tags=(HOSTILE, "a b"))
    text = target.render(row, accounts())
    assert text.count("\n\n") == 1 and text.endswith("\n\n")
    assert text.count("10.00 EUR") == 2


def test_rates_are_prices(ledger: Ledger) -> None:
    row = a_row(currency="USD", home_currency="EUR", home_total=Decimal("9.12"), rate=Decimal("0.912"))
    assert "2026-11-20 price USD 0.912 EUR" in BeancountFile().render(row, accounts())
    assert "P 2026-11-20 USD 0.912 EUR" in LedgerFile().render(row, accounts())
    assert "P 2026-11-20 USD 0.912 EUR" in HledgerFile().render(row, accounts())


def test_qif_splits_by_category() -> None:
    row = a_row(lines=(line("4.00", "Food"), line("6.00", "Books/Used")))
    entry = QifFile().entry(row, accounts(names=QifFile.names))
    assert entry["splits"] == [["Food", "4.00"], ["Books:Used", "6.00"]]


def test_fireflys_configuration_fits_its_csv(ledger: Ledger, tmp_path: Path) -> None:
    ids = some_expenses(ledger)
    with pytest.raises(ExportRefusedError, match=f"{ids[2]}.*zero"):
        exported(ledger, "firefly-csv", tmp_path)
    exported(ledger, "firefly-csv", tmp_path, leave_out=True)
    void(ledger, ids[0])
    exported(ledger, "firefly-csv", tmp_path, leave_out=True)
    settings = json.loads((tmp_path / "receiptflow-firefly.json").read_text())
    assert settings == configuration()
    rows = list(csv.reader((tmp_path / "receiptflow-firefly-0002.csv").open(newline="")))
    assert len(settings["roles"]) == len(rows[0]) == len(COLUMNS)
    assert settings["roles"][settings["unique_column_index"]] == settings["unique_column_type"] == "external-id"
    names = [row[0] for row in rows[1:]]
    assert len(set(names)) == len(names) == 6
    euros = [row for row in rows[1:] if row[3] == "EUR"]
    assert -sum(Decimal(row[2]) for row in euros) == balance(ledger)


@pytest.mark.parametrize("name", ["csv", "ofx", "qif", "firefly-csv", "beancount", "ledger", "hledger"])
def test_a_preview_is_what_the_file_will_be(ledger: Ledger, tmp_path: Path, name: str) -> None:
    some_expenses(ledger)
    shown, refused = preview(ledger, OWNER, name)
    exported(ledger, name, tmp_path, leave_out=True)
    made = "".join(path.read_text() for path in sorted(tmp_path.iterdir()))
    told = [one for text in shown.values() for one in text.splitlines() if "Shop" in one]
    assert told and all(one in made for one in told)
    assert [one.reason.split(",")[0] for one in refused] == ["its total is zero"] * (name == "firefly-csv")
    limited, _ = preview(ledger, OWNER, name, limit=1)
    assert sum(text.count("Shop") for text in limited.values()) < sum(text.count("Shop") for text in shown.values())


def test_a_preview_names_what_would_be_refused(ledger: Ledger) -> None:
    lost = spent(ledger, "a", currency=None)
    for name in ("ofx", "ledger"):
        _, (refused,) = preview(ledger, OWNER, name)
        assert refused.public_id == lost and "currency" in refused.reason


def test_accounts_are_kept_by_owner_and_target(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.session() as session:
        set_account(OWNER, AccountRule("", "payment_method", "card", "Assets:Giro"), session=session)
        set_account(OWNER, AccountRule("ledger", "payment_method", "card", "Liabilities:Visa"), session=session)
        set_account("bert", AccountRule("", "payment_method", "card", "Assets:Berts"), session=session)
        set_account(OWNER, AccountRule("", "tax", "19,0 %", "Assets:VAT"), session=session)
        assert AccountRule("", "tax", "19", "Assets:VAT") in list_accounts(OWNER, session=session)
    spent(ledger, "a")
    exported(ledger, "ledger", tmp_path)
    exported(ledger, "hledger", tmp_path)
    assert "Liabilities:Visa  -12.50 EUR" in (tmp_path / "receiptflow-2026.ledger").read_text()
    journal = (tmp_path / "receiptflow-2026.journal").read_text()
    assert "Assets:Giro  -12.50 EUR" in journal and "Assets:VAT  2.00 EUR" in journal and "10.50 EUR" in journal
    with ledger.session() as session:
        assert remove_account(OWNER, AccountRule("ledger", "payment_method", "card", ""), session=session)
        assert not remove_account(OWNER, AccountRule("ledger", "payment_method", "card", ""), session=session)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (AccountRule("", "colour", "", "A"), "kind: 'colour'"),
        (AccountRule("", "tax", "much", "A"), "value: 'much'"),
        (AccountRule("", "tax", "119", "A"), "0 to 100"),
        (AccountRule("", "category", "x", " "), "account: it is empty"),
        (AccountRule("", "category", "x\ny", "A"), "value: at most"),
        (AccountRule("", "category", "x", "A" * 201), "account: at most"),
        (AccountRule("", "currency", "", "euro"), "ISO 4217"),
    ],
)
def test_rules_that_cannot_be_are_refused(ledger: Ledger, rule: AccountRule, message: str) -> None:
    with ledger.session() as session, pytest.raises(InvalidAccountError, match=message):
        set_account(OWNER, rule, session=session)


def test_a_currency_can_be_set_for_those_without(ledger: Ledger, tmp_path: Path) -> None:
    spent(ledger, "a", currency=None)
    with pytest.raises(ExportRefusedError, match="name one for all such expenses under Accounts"):
        exported(ledger, "qif", tmp_path)
    with ledger.session() as session:
        set_account(OWNER, AccountRule("", "currency", "", "EUR"), session=session)
    assert exported(ledger, "qif", tmp_path).new == 1


@pytest.mark.parametrize("name", list(targets()))
@pytest.mark.parametrize("lacks", ["currency", "purchase_date", "account"])
def test_what_lacks_something_is_written_or_refused_by_its_id(
    ledger: Ledger, tmp_path: Path, name: str, lacks: str
) -> None:
    """Nothing is written half: a spreadsheet has it without, all others refuse it and take the rest."""
    if lacks == "account":
        with ledger.session() as session:
            set_account(OWNER, AccountRule("", "known", "", "Assets:Other"), session=session)
            set_account(OWNER, AccountRule("", "payment_method", "", "Assets:Other"), session=session)
            set_account(OWNER, AccountRule("", "category", "Fine", "Assets:Other"), session=session)
    lost = spent(ledger, "a", **({"category": "Strange"} if lacks == "account" else {lacks: None}))
    spent(ledger, "b", category="Fine", total=Decimal(3))
    takes_it = name.startswith("csv") or (name == "ofx" and lacks == "account")  # it has no category
    if takes_it:
        assert exported(ledger, name, tmp_path).new == 2
        return
    with pytest.raises(ExportRefusedError, match=lost):
        exported(ledger, name, tmp_path)
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []
    told = exported(ledger, name, tmp_path, leave_out=True)
    assert (told.new, [one.public_id for one in told.refusals]) == (1, [lost])


def test_there_is_no_such_target(ledger: Ledger, tmp_path: Path) -> None:
    with staging(tmp_path) as output, pytest.raises(UnknownTargetError, match="beancount"):
        export(ledger, OWNER, "quickbooks", output)


def test_pictures_sort_by_day_and_are_told_apart() -> None:
    row = a_row(merchant="Café / Müller & Söhne")
    assert picture_path(row) == "receipts/2026/2026-11-20_cafe-muller-sohne_rf-1.jpg"
    assert picture_path(a_row(purchase_date=None, merchant="日本")) == "receipts/undated/undated_rf-1.jpg"
    strange = Original("inbox", "anna/x.../../evil", "e", "", 7, "application/x", "ab")
    assert picture_path(a_row(original=strange)).endswith("rf-1.bin")
