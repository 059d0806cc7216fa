"""Amounts: parsing what a locale formats gives the number back; signs, marks and OCR slips are read."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from flows.reading.parser.amounts import NumberStyle, find_amounts, learn_style, parse_number

LOCALES = ["en_US", "en_GB", "en_IN", "de_DE", "de_CH", "fr_FR", "es_ES", "it_IT", "nl_NL", "pt_BR", "fi_FI", "sv_SE"]
POINT, COMMA = NumberStyle("."), NumberStyle(",")


@given(
    st.decimals(min_value=0, max_value=9_999_999, places=2, allow_nan=False),
    st.sampled_from(LOCALES),
    st.sampled_from("-+"),
)
def test_parse_of_format_is_identity(value: Decimal, locale: str, sign: str) -> None:
    printed = format_decimal(value, format="#,##0.00" if locale != "en_IN" else "#,##,##0.00", locale=locale)
    printed = printed.replace("\u202f", " ").replace("\xa0", " ").replace("’", "'")
    style = learn_style([printed])
    found = find_amounts(f"Total {'-' if sign == '-' else ''}{printed}", style)
    assert [amount.value for amount in found] == [-value if sign == "-" else value]


@given(st.integers(min_value=1000, max_value=9_999_999), st.sampled_from([".", ","]))
def test_grouped_amounts_without_cents(value: int, group: str) -> None:
    printed = f"{value:,}".replace(",", group)
    style = learn_style([printed, printed])
    assert not style.cents
    assert parse_number(printed, style) == value


@pytest.mark.parametrize(
    ("text", "value", "mark"),
    [
        ("TOTAL RM 41.95", "41.95", "MYR"),
        ("Rückgeld EUR -45,00", "-45.00", "EUR"),
        ("€1,95 A", "1.95", "EUR"),
        ("49.90 EUR", "49.90", "EUR"),
        ("CHF 1'234.50", "1234.50", "CHF"),
        ("(1.00)", "-1.00", None),
        ("COUPON 1.84-", "-1.84", None),
        ("₹1,23,456.00", "123456.00", "INR"),
        ("RM .40", "0.40", "MYR"),
        ("15.-", "15", None),
        ("7.90SR", "7.90", None),
    ],
)
def test_signs_and_marks(text: str, value: str, mark: str | None) -> None:
    (found,) = find_amounts(text, POINT)
    assert (found.value, found.mark) == (Decimal(value), mark)


@pytest.mark.parametrize(
    ("text", "value"),
    [("12. 30", "12.30"), ("6.C0", "6.00"), ("RMO.28", "0.28"), ("RM 15 15", "15.15"), ("O.00", "0.00")],
)
def test_ocr_slips_are_mended_and_marked(text: str, value: str) -> None:
    (found,) = find_amounts(text, POINT)
    assert found.value == Decimal(value)
    assert found.repaired


def test_a_lone_separator_means_what_the_receipt_makes_it_mean() -> None:
    assert parse_number("1.234", POINT) == Decimal("1.234")
    assert parse_number("1.234", COMMA) == Decimal(1234)
    assert parse_number("1,234.567", POINT) == Decimal("1234.567")


def test_percents_and_codes_are_no_money() -> None:
    (rate,) = find_amounts("MwSt 19,00 %", COMMA)
    assert rate.percent and not rate.looks_like_money
    assert find_amounts("CS00012507", POINT) == []
    assert find_amounts("card 6018840059147765", POINT) == []
