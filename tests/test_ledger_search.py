"""Expenses are found by what is printed and by what their fields say, and summed each currency by itself; of what was
deleted nothing is left to find."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_helpers import EXTRACTION, claimed, count, expensed, some_fields
from sqlmodel import select

from flows.domain.spreadsheet import safe_cell
from flows.ledger.database import Ledger
from flows.ledger.errors import InvalidReferenceError
from flows.ledger.expenses import Sum, SumsBy, Wanted, YearStart, find_expenses, sum_expenses
from flows.ledger.expenses.words import lexemes, tsquery
from flows.ledger.receipts import delete_receipt, record_expense, record_review
from flows.ledger.schema import ContentText
from flows.ledger.values import Attempt, Extraction

PRINTED = "Bäckerei Groß\nBIO-VOLLMILCH 3,5% 1,29\nCoca-Cola 2.50\nTel. 044/123 45 67\n東京都渋谷区"


def posted(ledger: Ledger, number: int = 1, printed: str = PRINTED, owner: str = "anna", **fields: Any) -> Attempt:
    attempt = claimed(ledger, f"{owner}/{number}", f"{number:064x}")
    with ledger.session() as session:
        read = Extraction("tesseract", "1", text=printed)
        record_expense(attempt, some_fields(**{"total": Decimal(number)} | fields), read, session=session)
    return attempt


def found(ledger: Ledger, text: str, owner: str = "anna") -> int:
    with ledger.session() as session:
        return len(find_expenses(owner=owner, text=text, session=session))


@pytest.mark.parametrize(
    "text",
    [
        *("bäckerei", "BACKEREI", "back", "gross", "groß", "vollmilch", "milch", "bio vollmilch", "bio-voll", "1,29"),
        *(
            "1.29",
            "coca cola",
            "coca-cola",
            "cocacola",
            "044/123",
            "渋谷",
            "東京",
            "markt am",
            "brot",
            "kase",
            "2026-11",
        ),
    ],
)
def test_what_is_printed_and_what_the_fields_say_is_found(ledger: Ledger, text: str) -> None:
    posted(ledger)
    assert found(ledger, text) == 1
    assert found(ledger, text, owner="bert") == 0


@pytest.mark.parametrize("text", ["backerx", "milch brotx", "ola1", "1.39", "' | 'x", "milch:*&x", "京渋"])
def test_what_is_not_there_is_not_found(ledger: Ledger, text: str) -> None:
    posted(ledger)
    assert found(ledger, text) == 0


@pytest.mark.parametrize("text", ["", "  ", "!?", "&|:*'", "\x00"])
def test_a_search_for_nothing_is_refused(ledger: Ledger, text: str) -> None:
    with pytest.raises(InvalidReferenceError, match=r"text: .* type a word"):
        found(ledger, text)


@given(st.text(max_size=80))
def test_whatever_is_typed_finds_the_text_that_it_was_copied_from(text: str) -> None:
    words = set(lexemes(f"before {text} behind"))
    for term in filter(None, tsquery(text).split(" & ")):
        whole = term.strip("()").split(" | ")[0].removesuffix(":*").strip("'")
        assert any(word.startswith(whole) for word in words)


def test_a_later_reading_replaces_the_words(ledger: Ledger) -> None:
    attempt = claimed(ledger)
    with ledger.session() as session:
        record_review(attempt, some_fields(), Extraction("tesseract", "1", text="Quittung"), session=session)
        assert session.exec(select(ContentText.text)).one() == "Quittung"


def test_what_was_deleted_leaves_no_word_behind(ledger: Ledger) -> None:
    attempt = posted(ledger)
    posted(ledger, 2, "another one")
    with ledger.session() as session:
        delete_receipt(attempt.receipt_id, "asked for", session=session)
        assert session.exec(select(ContentText.text)).all() == ["another one"]
    assert found(ledger, "milch") == 0


def test_other_bounds_hold_beside_the_words(ledger: Ledger) -> None:
    posted(ledger, 1)
    posted(ledger, 2, purchase_date=dt.date(2025, 1, 1))
    with ledger.session() as session:
        rows = find_expenses(Wanted(text="milch", until=dt.date(2025, 12, 31)), session=session).items
        assert [row.total for row in rows] == [Decimal(2)]


def sums(ledger: Ledger, by: SumsBy, year_starts: YearStart | None = None, **wanted: Any) -> list[Sum]:
    with ledger.session() as session:
        return sum_expenses(by, Wanted(owner="anna", **wanted), year_starts=year_starts, session=session)


def test_sums_keep_currencies_apart(ledger: Ledger) -> None:
    day = dt.date(2026, 4, 5)
    for number, (date, currency, merchant) in enumerate(
        [(day, "EUR", "Aldi"), (day, "EUR", "Aldi"), (day, "CHF", "Aldi"), (day + dt.timedelta(1), None, None)], 1
    ):
        posted(ledger, number, purchase_date=date, currency=currency, merchant=merchant)
    posted(ledger, 5, purchase_date=None)
    april = Sum("2026-04", 4, {"?": Decimal(4), "CHF": Decimal(3), "EUR": Decimal(3)})
    assert sums(ledger, SumsBy.MONTH) == [april, Sum(None, 1, {"EUR": Decimal(5)})]
    assert sums(ledger, SumsBy.MERCHANT)[0] == Sum("Aldi", 3, {"CHF": Decimal(3), "EUR": Decimal(3)})
    assert sums(ledger, SumsBy.CURRENCY, since=day)[0] == Sum("EUR", 2, {"EUR": Decimal(3)})
    by_year = sums(ledger, SumsBy.YEAR, YearStart(4, 6), since=day)
    assert [(one.key, one.count) for one in by_year] == [("2026", 1), ("2025", 3)]
    assert sums(ledger, SumsBy.MONTH, text="nothing like it") == []


def test_voided_expenses_are_not_summed(ledger: Ledger) -> None:
    expensed(ledger)
    attempt = expensed(ledger, "anna/2", "cd" * 32, total=Decimal(7))
    with ledger.session() as session:
        delete_receipt(attempt.receipt_id, "asked for", session=session)
    assert sums(ledger, SumsBy.CURRENCY) == [Sum("EUR", 1, {"EUR": Decimal("12.50")})]
    assert count(ledger, "content_texts") == 1
    assert EXTRACTION.text == ""


def test_a_year_starts_on_a_day_that_every_year_has() -> None:
    with pytest.raises(InvalidReferenceError, match="year_starts: 02-29"):
        YearStart(2, 29)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49 170", "'+49 170"),
        (" @SUM(A1)", "' @SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("＝1", "'＝1"),
        ("Aldi = gut", "Aldi = gut"),
    ],
)
def test_no_text_is_a_formula(text: str, cell: str) -> None:
    assert safe_cell(text) == cell
