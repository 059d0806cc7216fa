"""What amounts prove by their places: columns, what was given and back, rows of tax, metered goods, deductions."""

from __future__ import annotations

from decimal import Decimal

import pytest
from receipt_words import read

from flows.domain.fields import ReceiptFields

HEAD = "ALIMENTACIÓ PUIG SL\nCarrer Major 5, 17800 OLOT\nNIF B17123456\n12/03/2024 10:15\n"


def _held(fields: ReceiptFields) -> set[str]:
    return {check.name for check in fields.checks if check.held}


def _total(body: str) -> tuple[str, ReceiptFields]:
    fields = read(HEAD + body)
    return str(fields.total.value) if fields.total else "", fields


def test_the_column_above_a_total_adds_up_in_whatever_language() -> None:
    value, fields = _total("QWERT   6,00\nZXCVB   4,40\nASDFG   -1,00\nTOTAL EUR   9,40")
    assert (value, fields.decision) == ("9.40", "accept")
    assert _held(fields) & {"items", "amounts_above"}


def test_taxes_between_the_goods_and_the_total_are_passed_over() -> None:
    value, fields = _total("QWERT   6,00\nZXCVB   4,40\nIVA 10%   0,95\nBASE   9,45\nTOTAL EUR   10,40")
    assert value == "10.40"
    assert fields.decision == "accept"


def test_what_was_given_and_what_came_back_are_known_by_their_difference() -> None:
    value, fields = _total("TOTAL EUR   18,93\nQWERTQ ZXCVBN   20,00\nASDFGH   1,07")
    assert value == "18.93"
    assert "paid_difference" in _held(fields)


@pytest.mark.parametrize("body", ["TOTAL   5,00\nA   9,00\nDESCOMPTE   4,00", "TOTAL   5,00\nBASE   9,00\nIVA   4,00"])
def test_discounts_and_taxes_are_no_change(body: str) -> None:
    assert "paid_difference" not in _held(_total(body)[1])


def test_a_row_of_net_tax_and_gross_proves_its_gross() -> None:
    _, fields = _total("TOTAL   1021,66\nT:   917,02  52,32  52,32  1021,66")
    assert "tax_row" in _held(fields)


@pytest.mark.parametrize(
    ("body", "total"),
    [
        ("GASOLEO A\n27,61 LT X 1,449\nTOTAL   40,01", "40.01"),
        ("DIESEL\nLITROS   40,00\nPRECIO/L   1,819\nTOTAL   72,76", "72.76"),
        ("Rate/kWh: 0,59\nMenge 31,42 kWh\nTOTAL   18,54", "18.54"),
    ],
)
def test_what_was_metered_times_its_price_is_the_total(body: str, total: str) -> None:
    value, fields = _total(body)
    assert value == total
    assert "metered" in _held(fields)


def test_another_price_is_no_proof() -> None:
    assert "metered" not in _held(_total("27,61 LT X 1,449\nTOTAL   41,01")[1])


def test_a_discount_below_the_total_leads_to_what_is_paid() -> None:
    value, fields = _total(
        "DIESEL   72,76\nTOTAL   72,76\nDescuento   -8,00\nDto. club   -2,26\nTOTAL A COBRAR   62,50"
    )
    assert value == "62.50"
    assert "deduction" in _held(fields)


@pytest.mark.parametrize(
    ("below", "why"),
    [
        ("Cashback   40,00\nVISA   83,30", "cash that is paid out is none of the purchase"),
        ("Anzahlung   -10,00\nBAR   33,30", "an advance is a part of what was paid"),
        ("Redondeo   0,02\nEFECTIVO   43,32", "a rounding alone is another rule's"),
    ],
)
def test_what_is_no_deduction_leaves_the_total(below: str, why: str) -> None:
    value, fields = _total(f"PAN   40,00\nTE   3,30\nTOTAL   43,30\n{below}")
    assert "deduction" not in _held(fields), why
    assert value in {"43.30", "43.32"}


def test_amounts_may_stand_before_their_labels() -> None:
    fields = read(
        "Bäckerei Strobl\n5630 Bad Hofgastein\nATU33810907\n22.01.25  07:12\n"
        "1,80  Kornspitz\n3,10  Golatsche\n4,90  SUMME EUR\n4,90  BANKOMAT"
    )
    assert fields.total is not None
    assert str(fields.total.value) == "4.90"
    assert fields.decision == "accept"


@pytest.mark.parametrize(
    "line",
    ["RUT 78.553.210-6", "R.U.T.: 77.102.936-K", "RUT 9.123.456-7", "Tel 03.86.28.11.84", "Res. Ex. SII N 99 de 2014"],
)
def test_what_names_somebody_is_no_amount(line: str) -> None:
    fields = read(
        f"PICADA LALO SPA\n{line}\nFecha 13-02-2025 14:25\nTe   2.000\nPan   1.500\nTOTAL $   3.500\nEFECTIVO   3.500"
    )
    assert fields.total is not None
    assert fields.total.value == Decimal(3500)
    assert all(amount < Decimal(5000) for values in fields.amounts.values() for amount in values)


def test_lakhs_are_grouped_and_phones_are_not() -> None:
    price = "1,23,456.00"
    fields = read(f"SHARMA\nGSTIN 27AACCA8432H1ZQ\n12/03/2024 10:15\nGOLD   {price}\nTOTAL   {price}\nCASH   {price}")
    assert fields.total is not None
    assert fields.total.value == Decimal(123456)


def test_a_total_with_a_suggested_tip_counts_where_it_was_paid() -> None:
    body = "PICADA LALO SPA\nRUT 76.881.276-K\n13-02-2025 14:25\nMariscos   37.300\nTOTAL CONSUMO   37.300\n"
    body += "PROPINA SUGERIDA 10%   3.730\nTOTAL + PROPINA   41.030\n"
    for paid, decided in (("EFECTIVO   37.300", "37300"), ("Transferencia   41.030", "41030")):
        fields = read(body + paid)
        assert fields.total is not None
        assert str(fields.total.value) == decided or fields.decision == "review"
        assert fields.decision == "review" or decided == "37300"


@pytest.mark.parametrize("label", ["T O T A L", "TL", "S U M M E", "TO PAY", "Amount Charged"])
def test_unusual_names_of_the_total(label: str) -> None:
    goods = "CORNER CAFE LTD\nLeeds LS1 4AA\n12/03/2024 10:15\nTEA   £2.50\nCAKE   £3.00\n"
    fields = read(f"{goods}{label}   £5.50\nCASH   £10.00\nCHANGE   £4.50")
    assert fields.total is not None
    assert str(fields.total.value) == "5.50"
    assert fields.decision == "accept"
