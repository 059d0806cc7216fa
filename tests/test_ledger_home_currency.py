"""A foreign total is told in the owner's own currency with rate, day and source; without a rate nothing is guessed."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from ledger_helpers import expensed
from test_ledger_decisions import corrected

from flows.exchange_rates import HistoryUnavailableError, fetch_history, kept_history, parse_history
from flows.ledger.corrections import InvalidValuesError
from flows.ledger.database import Ledger
from flows.ledger.errors import InvalidReferenceError
from flows.ledger.expenses import SumsBy, Wanted, YearStart, find_expenses, sum_expenses
from flows.ledger.owner_settings import change_settings, settings_of
from flows.ledger.rates import convert_missing, keep_rates
from flows.ledger.views import ExpenseView
from flows.refresh_rates import refresh

FRIDAY, SATURDAY = dt.date(2026, 11, 20), dt.date(2026, 11, 21)
RATES = [("CHF", FRIDAY, Decimal("0.92")), ("USD", FRIDAY, Decimal("1.15")), ("JPY", FRIDAY, Decimal("176.5"))]


@pytest.fixture(autouse=True)
def rates(ledger: Ledger) -> Iterator[None]:
    with ledger.session() as session:
        keep_rates(RATES, "ECB", session=session)
    return


def set_to(ledger: Ledger, **changes: str) -> None:
    with ledger.session() as session:
        change_settings("anna", session=session, **changes)


def the_expense(ledger: Ledger) -> ExpenseView:
    with ledger.session() as session:
        return find_expenses(session=session).items[0]


def home(ledger: Ledger) -> tuple[Any, ...]:
    one = the_expense(ledger)
    return one.home_currency, one.home_total, one.rate_day, one.rate_source


@pytest.mark.parametrize(
    ("own", "currency", "day", "total"),
    [
        ("EUR", "CHF", FRIDAY, "13.59"),  # 12.50 / 0.92
        ("CHF", "EUR", FRIDAY, "11.50"),
        ("CHF", "USD", FRIDAY, "10.00"),
        ("JPY", "USD", FRIDAY, "1918"),  # 1918.478…, a currency without decimals
        ("EUR", "CHF", SATURDAY, "13.59"),  # by Friday's rate
    ],
)
def test_a_foreign_total_is_converted_the_same_at_once_and_afterwards(
    ledger: Ledger, own: str, currency: str, day: dt.date, total: str
) -> None:
    set_to(ledger, home_currency=own)
    expensed(ledger, currency=currency, purchase_date=day)
    expected = (own, Decimal(total), FRIDAY, "ECB")
    assert home(ledger) == expected
    rate = the_expense(ledger).rate
    set_to(ledger, home_currency="")
    assert home(ledger) == (None, None, None, None)
    set_to(ledger, home_currency=own)
    assert home(ledger) == expected
    assert (the_expense(ledger).rate, the_expense(ledger).revision) == (rate, 1)


@pytest.mark.parametrize(
    ("currency", "day"),
    [
        ("CHF", FRIDAY + dt.timedelta(8)),
        ("CHF", FRIDAY - dt.timedelta(1)),
        ("RUB", FRIDAY),
        ("CHF", None),
        (None, FRIDAY),
    ],
)
def test_without_a_rate_nothing_is_guessed(ledger: Ledger, currency: str | None, day: dt.date | None) -> None:
    set_to(ledger, home_currency="EUR")
    expensed(ledger, currency=currency, purchase_date=day)
    assert home(ledger) == (None, None, None, None)
    with ledger.session() as session:
        assert convert_missing(session=session) == 0


def test_what_waited_for_a_rate_is_converted_when_it_comes(ledger: Ledger) -> None:
    set_to(ledger, home_currency="EUR")
    later = FRIDAY + dt.timedelta(10)
    expensed(ledger, currency="CHF", purchase_date=later)
    with ledger.session() as session:
        assert keep_rates([("CHF", later, Decimal("0.5")), *RATES], "ECB", session=session) == 1
        assert convert_missing(session=session) == 1
    assert home(ledger) == ("EUR", Decimal("25.00"), later, "ECB")


def test_the_own_currency_needs_no_rate_and_other_owners_are_left_alone(ledger: Ledger) -> None:
    set_to(ledger, home_currency="EUR")
    expensed(ledger)
    assert home(ledger) == ("EUR", Decimal("12.50"), None, None)
    expensed(ledger, "bert/1", "cd" * 32, currency="CHF")
    assert home(ledger) == (None, None, None, None)


def test_a_rate_that_a_person_entered_counts_for_the_currency_that_it_names(ledger: Ledger) -> None:
    set_to(ledger, home_currency="EUR")
    expensed(ledger, currency="CHF")
    corrected(ledger, the_expense(ledger).public_id, {"exchange_rate": "1.1 eur"})
    entered = ("EUR", Decimal("13.75"), None, "entered by a person")
    assert (home(ledger), the_expense(ledger).revision) == (entered, 2)
    set_to(ledger, home_currency="USD")
    assert home(ledger) == ("USD", Decimal("15.63"), FRIDAY, "ECB")
    set_to(ledger, home_currency="EUR")
    assert home(ledger) == entered
    corrected(ledger, the_expense(ledger).public_id, {}, take_back=["exchange_rate"])
    assert home(ledger) == ("EUR", Decimal("13.59"), FRIDAY, "ECB")


@pytest.mark.parametrize("rate", ["0 EUR", "1.1", "EUR", "-1 EUR", "NaN EUR", "1e5 EUR", "1.1 EURO", "1.1 ZZZ", 1.1])
def test_a_rate_that_is_none_is_refused_by_name(ledger: Ledger, rate: object) -> None:
    expensed(ledger, currency="CHF")
    with pytest.raises(InvalidValuesError, match=r"exchange_rate: .* write it as 0.9412 EUR"):
        corrected(ledger, the_expense(ledger).public_id, {"exchange_rate": rate})


@pytest.mark.parametrize(
    "change", [{"home_currency": "EURO"}, {"home_currency": "ZZZ"}, {"year_starts": "4-6"}, {"year_starts": "02-30"}]
)
def test_settings_that_are_none_are_refused_by_name(ledger: Ledger, change: dict[str, str]) -> None:
    with pytest.raises(InvalidReferenceError, match=f"^{next(iter(change))}: "):
        set_to(ledger, **change)


def test_settings_are_the_owners(ledger: Ledger) -> None:
    set_to(ledger, home_currency="chf", year_starts="04-06")
    with ledger.session() as session:
        anna, bert = (settings_of(owner, session=session) for owner in ("anna", "bert"))
    assert (anna.home_currency, anna.year_start) == ("CHF", YearStart(4, 6))
    assert (bert.home_currency, bert.year_start) == (None, YearStart(1, 1))


def test_the_kept_history_has_the_rates_of_the_bank(ledger: Ledger) -> None:
    kept = {(rate.currency, rate.day): rate.per_euro for rate in kept_history()}
    assert kept["USD", dt.date(1999, 1, 4)] == Decimal("1.1789")
    assert len(kept) > 200_000
    assert "0 expenses converted" in refresh(ledger, offline=True)


def a_file(text: str, name: str = "eurofxref-hist.csv") -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr(name, text)
    return body.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>sign in to the wireless network</html>",
        a_file(""),
        a_file("Date,USD\nyesterday,1.1\n"),
        a_file("Date,USD\n2026-11-20,much\n"),
        a_file("Date,USD\n2026-11-20,-1\n"),
        a_file("Date,USD\n2026-11-20,NaN\n"),
        a_file("Date,USD\n2026-11-20,1,2\n"),
    ],
    ids=[
        "nothing",
        "HTML",
        "empty",
        "no day",
        "no number",
        "negative",
        "NaN",
        "too many",
    ],  # a ZIP has its second in it
)
def test_a_file_that_is_not_the_banks_is_refused(body: bytes) -> None:
    with pytest.raises(HistoryUnavailableError):
        list(parse_history(body))


def test_without_network_the_kept_rates_stay() -> None:
    with pytest.raises(HistoryUnavailableError, match="could not be fetched"):
        fetch_history("http://127.0.0.1:9/eurofxref-hist.zip")


def test_sums_tell_the_own_currency_and_what_could_not_be_converted(ledger: Ledger) -> None:
    set_to(ledger, home_currency="EUR")
    for number, currency in enumerate(("EUR", "CHF", "RUB"), 1):
        expensed(ledger, f"anna/{number}", f"{number:064x}", currency=currency)
    for by in SumsBy:
        with ledger.session() as session:
            sums = sum_expenses(by, Wanted(owner="anna"), session=session, home_currency="EUR")
        home_totals = [one.home_total for one in sums if one.home_total is not None]
        assert (sum(home_totals), sum(one.unconverted for one in sums)) == (Decimal("26.09"), 1), by
    with ledger.session() as session:
        (without, *_) = sum_expenses(SumsBy.MONTH, Wanted(owner="anna"), session=session)
    assert (without.home_total, without.unconverted) == (None, 0)
