"""What is on the picture: no receipt, several receipts, one over two pages; and a currency that is not guessed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from receipt_words import TODAY, document, page_of, read

from flows.reading.parser import Hints, parse_receipt

ONE = """
CORNER SHOP LTD
12 Mill Lane London
12 March 2018 10:15
TEA        3.00
CAKE       5.50
TOTAL      £8.50
CASH       £8.50
"""
OTHER = ONE.replace("CORNER", "UPPER").replace("5.50", "9.00").replace("8.50", "12.00")


def test_a_letter_is_no_receipt() -> None:
    fields = read("Dear Ms Miller,\nthank you for your letter of March.\nKind regards,\nJ. Smith")
    assert fields.reasons == ("no receipt: no amount of money is on the page",)


def test_an_empty_page_is_no_receipt() -> None:
    assert parse_receipt(document(), today=TODAY).reasons == ("no receipt: the page has no text",)


def test_two_receipts_one_above_the_other() -> None:
    fields = read(ONE.strip() + "\n" + OTHER)
    assert any(reason.startswith("several receipts: 2") for reason in fields.reasons)


def test_two_receipts_side_by_side() -> None:
    pairs = zip(ONE.strip().split("\n"), OTHER.strip().split("\n"), strict=True)
    fields = read("\n".join(f"{left:<30}     {right}" for left, right in pairs))
    assert any(reason.startswith("several receipts: 2") for reason in fields.reasons)


def test_a_receipt_over_two_pages_is_one() -> None:
    lines = ONE.strip().split("\n")
    pages = (page_of("\n".join(lines[:4])), page_of("\n".join(lines[4:]), number=2))
    fields = parse_receipt(document(*pages), today=TODAY)
    assert fields.total is not None and (fields.total.value, fields.total.page) == (Decimal("8.50"), 2)
    assert len(fields.line_items) == 2
    assert fields.decision == "accept", fields.reasons


def test_pages_of_two_receipts_are_told_apart() -> None:
    fields = parse_receipt(document(page_of(ONE), page_of(OTHER, number=2)), today=TODAY)
    assert any(reason.startswith("several receipts") for reason in fields.reasons)


PLAIN = ONE.replace("£", "").replace(" London", "").replace(" LTD", "")


def test_a_currency_that_nothing_tells_is_not_guessed() -> None:
    fields = read(PLAIN)
    assert fields.currency is None
    assert "currency: no symbol, code or country found" in fields.reasons


def test_a_dollar_may_be_many() -> None:
    fields = read(PLAIN.replace("8.50", "$8.50"))
    assert fields.currency is None
    assert any(reason.startswith("currency: the symbol may be USD") for reason in fields.reasons)


@pytest.mark.parametrize("currency", ["CAD", "AUD"])
def test_the_books_currency_decides_a_symbol_for_a_person(currency: str) -> None:
    fields = read(PLAIN.replace("8.50", "$8.50"), hints=Hints(currency=currency))
    assert fields.currency is not None and fields.currency.value == currency
    assert fields.decision == "review"


def test_two_currencies_of_one_amount_are_named() -> None:
    fields = read(PLAIN.replace("TOTAL      8.50", "TOTAL   CHF 8.50").replace("CASH       8.50", "CASH EUR 8.50"))
    assert any(reason.startswith("currency: both ") for reason in fields.reasons)


@pytest.mark.parametrize(
    "title", ["LEERGUTBON", "Gutschrift Nr. 4711", "REFUND", "Credit Note", "Angebot", "Pro-forma"]
)
def test_papers_that_are_no_purchase_are_for_a_person(title: str) -> None:
    text = "REWE Markt GmbH\n50668 Köln\n{}\nPfand 5 x 0,25   1,25\nSumme   1,25 EUR\nBar   1,25 EUR\n14.03.2026 10:11"
    fields = read(text.format(title))
    assert fields.decision == "review"
    assert "is no purchase" in fields.reasons[0]
    assert read(text.format("Kassenbon")).decision == "accept"


@pytest.mark.parametrize(
    "rest",
    [
        "SUBURBAN RT 17 REST. CORP.\nMERCHANT COPY\nAmount:   $45.28\n+ Tip:   9.00\n= Total:   54.28",
        "EFTPOS LTD\nTIME 20JUN25 17:37\nPURCHASE   45.28\nCASH   20.00\nTOTAL   65.28",
        "CREDIT CARD INC\nDiscount   -5.28\nTOTAL DUE   40.00",
    ],
)
def test_a_card_slip_below_its_receipt_is_no_second_receipt(rest: str) -> None:
    goods = "Coffee   6.50\nLunch   35.97\nTax   2.81\nTOTAL   45.28"
    fields = read(f"Suburban Diner\nParamus, NJ 07652\n03/08/2024 9:12 AM\n{goods}\n{rest}")
    assert not any(reason.startswith("several") for reason in fields.reasons)


def test_the_last_day_of_an_offer_makes_no_second_purchase() -> None:
    fields = read(
        "MIGROS TICARET AS\nV.D. 6220529513\nTARIH 19/05/2024 12:18\nSUT   39,95\nEKMEK   10,00\nTOPLAM   49,95\n"
        "KREDI KARTI   49,95\nMONEY   1,65 TL  TOPLAM: 41,88 TL\nSON KULLANMA TARIHI: 31/12/2024"
    )
    assert not any(reason.startswith("several") for reason in fields.reasons)
