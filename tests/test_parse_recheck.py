"""The checks are made again over changed values, in the parser's words; with nothing changed they are the same."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from receipt_words import read
from test_parse_golden import GOLDEN

from flows.domain.fields import Check, ReceiptFields
from flows.reading.parser.recheck import check_values

BILL = """
CORNER SHOP SDN BHD
NO 1, JALAN BESAR, 50000 KUALA LUMPUR
2 x 2.00 Tea         4.00
Bread               6.02
Subtotal           10.02
Tax                 0.60
Total              10.62
Rounding           -0.02
Total RM           10.60
Cash               20.00
Change              9.40
03/04/2026 10:15
"""


def held(checks: tuple[Check, ...]) -> dict[str, bool | None]:
    return {check.name: check.held for check in checks}


@pytest.fixture(scope="module")
def fields() -> ReceiptFields:
    found = read(BILL)
    assert found.total is not None and found.total.value == Decimal("10.60")
    return found


@pytest.mark.parametrize("golden", GOLDEN.values(), ids=GOLDEN.keys())
def test_nothing_changed_gives_the_parsers_checks(golden: Any) -> None:
    found = read(golden.text)
    again = {(check.name, check.held, check.detail) for check in check_values(found, {})}
    assert again == {(check.name, check.held, check.detail) for check in found.checks}


def test_a_rounded_total_holds_as_the_parser_says(fields: ReceiptFields) -> None:
    assert held(check_values(fields, {})) == held(fields.checks)


def test_a_wrong_total_fails(fields: ReceiptFields) -> None:
    checks = held(check_values(fields, {"total": Decimal("11.60")}))
    assert checks["cash_change"] is False and checks["subtotal_tax"] is False and checks["rounding"] is False


def test_a_value_put_right_holds_again() -> None:
    wrong = read(BILL.replace("Tax                 0.60", "Tax                 0.80").replace("10.62", "10.92"))
    assert held(wrong.checks).get("subtotal_tax") is not True
    right = {"tax": Decimal("0.60"), "total": Decimal("10.62")}
    assert held(check_values(wrong, right))["subtotal_tax"] is True


def test_items_are_added_up_as_they_change(fields: ReceiptFields) -> None:
    assert held(check_values(fields, {"line_items/1/total": Decimal("7.02")}))["items"] is False
    back = {"line_items/1/total": Decimal("5.02"), "line_items/2/total": Decimal("1.00")}
    assert held(check_values(fields, back))["items"] is True


def test_a_lines_own_product_is_checked(fields: ReceiptFields) -> None:
    wrong = {"line_items/0/quantity": Decimal(3), "line_items/0/unit_price": Decimal("2.00")}
    check = next(check for check in check_values(fields, wrong) if check.name == "item_price")
    assert check.held is False
    assert check.detail == "line 1: 3 × 2.00 is not 4.00"
    assert "item_price" not in held(check_values(fields, {"line_items/0/description": "Green tea"}))


def test_what_a_person_named_is_not_doubted(fields: ReceiptFields) -> None:
    doubted = fields.model_copy(
        update={"checks": (*fields.checks, Check(name="merchant_name", held=False, detail="check the name"))}
    )
    assert held(check_values(doubted, {}))["merchant_name"] is False
    assert "merchant_name" not in held(check_values(doubted, {"merchant": "Corner Shop"}))


def test_without_a_total_there_is_nothing_to_add_up(fields: ReceiptFields) -> None:
    checks = held(check_values(fields, {"total": None, "purchase_date": dt.date(2026, 3, 4)}))
    assert not {"items", "subtotal_tax", "cash_change", "rounding"} & set(checks)


def test_results_without_labelled_amounts_are_checked_by_their_fields() -> None:
    exact = read(BILL.replace("Rounding           -0.02\nTotal RM           10.60\n", "").replace("9.40", "9.38"))
    old = exact.model_copy(update={"amounts": {}, "candidates": {}})
    checks = held(check_values(old, {}))
    assert checks["subtotal_tax"] is True and checks["items"] is True
    assert held(check_values(old, {"subtotal": Decimal("9.02")}))["subtotal_tax"] is False
