"""The total: arithmetic outweighs labels, roundings lead on, misread digits are mended and sent to a person."""

from __future__ import annotations

from decimal import Decimal

import pytest
from receipt_words import read

from flows.domain.fields import ReceiptFields

HEAD = """
CORNER SHOP SDN BHD
NO 1, JALAN BESAR, 50000 KUALA LUMPUR
GST ID: 000123456789
12/03/2018 10:15
"""


def total_of(body: str) -> tuple[Decimal | None, ReceiptFields]:
    fields = read(HEAD + body)
    return (fields.total.value if fields.total else None), fields


def held(fields: ReceiptFields) -> set[str]:
    return {check.name for check in fields.checks if check.held}


def test_cash_is_not_the_total() -> None:
    value, fields = total_of("TEA   3.00\nCAKE   5.50\nTOTAL   8.50\nCASH   50.00\nCHANGE   41.50")
    assert value == Decimal("8.50")
    assert {"cash_change", "items"} <= held(fields)
    assert fields.decision == "accept"
    assert [payment.value.amount for payment in fields.payments] == [Decimal("50.00")]


def test_the_rounded_total_is_what_was_paid() -> None:
    value, fields = total_of(
        "TEA   112.46\nTOTAL SALES   112.46\nROUNDING ADJ   -0.01\nTOTAL AFTER ROUNDING   112.45\nCASH   112.45"
    )
    assert value == Decimal("112.45")
    assert "rounding" in held(fields)
    assert fields.rounding is not None and fields.rounding.value == Decimal("-0.01")


def test_a_total_that_is_rounded_nowhere_stays() -> None:
    value, _ = total_of("TEA   13.78\nTOTAL   13.78\nCASH   20.00\nROUNDING ADJUSTMENTS   0.02\nCHANGE   6.20")
    assert value == Decimal("13.78")


def test_a_rounding_that_leads_to_no_total_is_asked_about() -> None:
    unread = """
Bread            7.10
Cake             7.08
Total           14.18
Rounding         0.02
Grand ?@        14.20
Total Paid      20.20
Change           6.00
"""
    assert any(reason.startswith("total:") for reason in total_of(unread)[1].reasons)


def test_totals_by_tax_rate_are_parts() -> None:
    value, fields = total_of(
        "BREAD   7.61\nTotal 0% supplies: 7.61\nKAYA   24.00\nTotal 6% supplies (excl. GST): 24.00\nGST: 1.44\n"
        "Total 6% supplies (Inc. GST): 25.44\nTotal 0% supplies: 7.61\nTotal Payable: 33.05"
    )
    assert value == Decimal("33.05")
    assert "parts" in held(fields)


def test_discount_leads_from_subtotal_to_total() -> None:
    value, fields = total_of(
        "PIZZA   30.30\nPIZZA   30.30\nSub-Total   60.60\nCoupon Discount   27.60\nGrand Total   33.00"
    )
    assert value == Decimal("33.00")
    assert "subtotal_tax" in held(fields)


def test_a_label_without_its_amount_takes_the_bare_one_below() -> None:
    value, _ = total_of("FUEL   41.95\nTOTAL AMOUNT PAYABLE\n            RM 41.95\nMASTER   RM 41.95")
    assert value == Decimal("41.95")


def test_the_tax_table_mends_a_misread_digit_for_a_person() -> None:
    value, fields = total_of(
        "SOAP   8.99\nRICE   10.47\nSUMME   19.16\nMASTERCARD   19.16\nMwSt   NETTO   MwSt   UMSATZ\n"
        "19,0%   7.55   1.44   8.99\n7,0%   9.79   0.68   10.47"
    )
    assert value == Decimal("19.46")
    assert fields.decision == "review"
    assert any("19.16 is printed, but what adds up to it gives 19.46" in reason for reason in fields.reasons)


def test_two_totals_that_fit_are_named() -> None:
    _, fields = total_of("TOTAL   25.00\nTOTAL   50.00")
    assert fields.decision == "review"
    assert any(reason.startswith("total: two totals fit: ") for reason in fields.reasons)


def test_failed_checks_are_told() -> None:
    _, fields = total_of("TEA   3.00\nTOTAL   8.50\nCASH   50.00\nCHANGE   40.50")
    failed = {check.name: check.detail for check in fields.checks if check.held is False}
    assert failed["cash_change"] == "50.00 paid − 40.50 change is not 8.50"
    assert failed["items"] == "the items found add up to 3.00, not to 8.50"


def test_no_total_is_a_reason() -> None:
    _, fields = total_of("THANK YOU   1.00\nPOINTS   0.00\nSAVINGS  0.50")
    assert fields.decision == "review"


@pytest.mark.parametrize("lost", ["RM 8817", "RM 88 17", "RM 88:17"])
def test_a_lost_point_is_put_back(lost: str) -> None:
    value, _ = total_of(f"FUEL   RM 88.17\nTotal   {lost}\nTotal Gross   RM 88.17")
    assert value == Decimal("88.17")


def test_tax_rows_are_read_with_rate_net_and_amount() -> None:
    _, fields = total_of(
        "A   8.80\nB   10.97\nTOTAL   19.77\nMWST%   MWST   Netto   Brutto\n"
        "A 7 %   0,58   8,22   8,80\nB 19 %   1,75   9,22   10,97\nSumme   2,33   17,44   19,77"
    )
    assert [(str(tax.value.rate), str(tax.value.net), str(tax.value.amount)) for tax in fields.taxes] == [
        ("7", "8.22", "0.58"),
        ("19", "9.22", "1.75"),
    ]
    assert fields.tax is not None and fields.tax.value == Decimal("2.33")
    assert {"tax_table", "tax_rate"} <= held(fields)


BILL = "ALE   15.00\nBURGER   36.00\nSubtotal   51.00\nTax   4.51\nTOTAL   $55.51\n"


@pytest.mark.parametrize(
    "tips",
    [
        "Suggested Gratuity\n18%: (Tip $9.18 Total $64.69)\n20%: (Tip $10.20 Total $65.71)",
        "18%: (Tip $9.18 Total $64.69)\n20%: (Tip $10.20 Total $65.71)",
        "Tip Guide\n18% = $9.18\n20% = $10.20\nTotal with tip 18%   $64.69",
        "Recommended tip\n15%   8.33\n20%   11.10",
        "Propina sugerida 10%   5.55\nTotal con propina   61.06",
    ],
)
def test_a_suggested_tip_is_neither_paid_nor_a_proof(tips: str) -> None:
    value, fields = total_of(f"{BILL}{tips}")
    assert value == Decimal("55.51")
    assert fields.tip is None


@pytest.mark.parametrize("paid", ["VISA XXXX2210   $63.51", "TOTAL   $63.51", "Grand Total   63.51\nCASH   63.51"])
def test_what_was_paid_with_a_tip_is_the_total(paid: str) -> None:
    value, fields = total_of(f"{BILL}Tip   8.00\n{paid}")
    assert value == Decimal("63.51")
    assert fields.tip is not None and fields.tip.value == Decimal("8.00")


@pytest.mark.parametrize("word", ["Inserted", "Accepted", "Tendered", "Cash tendered", "Eingeworfen"])
def test_what_was_put_into_a_machine_is_not_the_cost(word: str) -> None:
    value, _ = total_of(f"Parking 2 h   3.40\nTotal   3.40\n{word}   5.00\nChange   1.60")
    assert value == Decimal("3.40")


def test_several_means_of_payment_add_up() -> None:
    value, _ = total_of("Hemd   189.90\nRabatt   -19.00\nSumme ARTIKEL 1   170.90\nCheque   103.00\nAMEX   67.90")
    assert value == Decimal("170.90")


def test_a_net_amount_after_charges_is_the_total() -> None:
    value, _ = total_of(
        "RICE   40.00\nTEA   10.00\nGross   50.00\nService Charge   5.00\nTax   3.30\nNet Amount   58.30"
    )
    assert value == Decimal("58.30")


def test_a_net_amount_that_leads_to_the_total_is_not() -> None:
    value, _ = total_of("RICE   8.00\nBetrag   8.40\nNetto:   8.00\nMwSt 5%   0.40\nBar   8.40")
    assert value == Decimal("8.40")


def test_a_discount_before_tax() -> None:
    value, _ = total_of(
        "RICE   40.00\nTEA   10.00\nSubtotal   50.00\nDiscount   -5.00\nTax 6%   2.70\nTotal   47.70\nCash   50.00\n"
        "Change   2.30"
    )
    assert value == Decimal("47.70")


@pytest.mark.parametrize(
    "text",
    [
        "SPRZEDAŻ OPODATKOWANA A   21,90\nPTU A 23%   4,10\nSUMA PTU   4,10\nDO ZAPŁATY   21,90\nKARTA   21,90",
        "Mezisoučet   21,90\nCelkem k úhradě   21,90\nHotově   50,00\nVráceno   28,10",
        "Összesen   21,90\nKészpénz   50,00\nVisszajáró   28,10",
        "TOTAL DE PLATĂ   21,90\nNUMERAR   21,90",
        "Mokėti   21,90\nGrynieji   50,00\nGrąža   28,10",
        "Kopā apmaksai   21,90\nSkaidra nauda   21,90",
        "Kokku   21,90\nSularaha   21,90",
        "ИТОГ   21,90\nНАЛИЧНЫМИ   50,00\nСДАЧА   28,10",
        "СУМА ДО СПЛАТИ   21,90\nГОТІВКА   21,90",
        "ΣΥΝΟΛΟ   21,90\nΜΕΤΡΗΤΑ   50,00\nΡΕΣΤΑ   28,10",
        "ΣYNOΛO   21,90\nPEΣTA   28,10",  # as a Latin model reads it
        "TOPLAM   21,90\nNAKİT   21,90",
        "UKUPNO   21,90\nGOTOVINA   21,90",
        "SKUPAJ   21,90\nGOTOVINA   21,90",
        "I alt   21,90\nKontant   50,00\nByttepenge   28,10",
        "合計   21.90\n現金   21.90",
        "总计   21.90\n微信支付   21.90",
        "합계   21.90\n현금   21.90",
    ],
)
def test_labels_of_many_languages(text: str) -> None:
    value, _ = total_of(f"A   9,90\nB   12,00\n{text}")
    assert value == Decimal("21.90")


def test_what_was_given_beside_a_currency_proves_a_subtotal() -> None:
    """Some shops print no total: a subtotal, what was given, and the change."""
    value, _ = total_of("WURST   2,92\nBROT   13,03\nZwischensumme EUR   15,95\nEURO   20,00\nRueckgeld EUR   4,05")
    assert value == Decimal("15.95")


@pytest.mark.parametrize(
    ("total", "value"),
    [("FIZETENDŐ   12 345 Ft", "12345"), ("ÖSSZESEN:   12 345", "12345"), ("Összesen   1 012 345 HUF", "1012345")],
)
def test_thousands_are_parted_by_spaces_where_there_are_no_cents(total: str, value: str) -> None:
    text = "Tiszavirág Kft.\nAdószám: 12345678-2-06\nKifli   9 345\nTej   3 000\n{}\nKészpénz   13 000"
    read_total = read(text.format(total)).total
    assert read_total is not None
    assert read_total.value == Decimal(value)


def test_a_count_before_a_price_is_no_group_of_thousands() -> None:
    value, fields = total_of("Water 2 500   3.00\nBread 1 250   2.00\nTOTAL   5.00")
    assert value == Decimal("5.00")
    assert [item.value.total for item in fields.line_items] == [Decimal("3.00"), Decimal("2.00")]


@pytest.mark.parametrize("label", ["合 計", "合計", "ご請求額", "總 計", "應收金額", "합 계", "받을금액"])
def test_labels_of_the_far_east_with_and_without_spaces(label: str) -> None:
    value, _ = total_of(f"牛肉麵   580\n鮮奶   120\n{label}   700")
    assert value == Decimal(700)


@pytest.mark.parametrize(
    ("label", "given"), [("I ALT", "Kontant"), ("SUM NOK", "Mottatt"), ("Total de plată", "NUMERAR")]
)
def test_labels_of_two_words(label: str, given: str) -> None:
    value, _ = total_of(f"A   61,02\nB   22,05\nC   54,12\n{label}   137,19\n{given}   150,00")
    assert value == Decimal("137.19")


def test_what_is_bought_is_not_due() -> None:
    value, _ = total_of("Lapte   6,05\nApă plată\n  3 x 17,93   53,79\nMici   6,21\nTOTAL LEI   66,05 LEI")
    assert value == Decimal("66.05")


def test_a_total_whose_last_figure_is_cut_off_is_for_a_person() -> None:
    text = "SATURN GMBH\n33098 Paderborn\nUST-ID DE281260691\n"
    text += "15.02.2020 10:11\nSD 400GB   59,9\nTotal EUR   59,9\nBar EUR   100,0"
    fields = read(text)
    assert fields.decision == "review"
    assert any(reason.startswith("total:") for reason in fields.reasons)
    assert read(text.replace("59,9", "59,99").replace("100,0", "100,00")).decision == "accept"


def test_a_rounding_without_cents_leads_to_the_total() -> None:
    text = (
        "Pékség Kft.\nAdószám: 12345678-2-06\nKenyér   3 729\nRÉSZÖSSZEG   3 729\nKEREKÍTÉS   +1\nÖSSZESEN:   3 730 HUF"
    )
    fields = read(f"{text}\nKelt: 2024.03.13. 13:57")
    assert fields.total is not None
    assert fields.rounding is not None
    assert (fields.total.value, fields.rounding.value, fields.decision) == (Decimal(3730), Decimal(1), "accept")


@pytest.mark.parametrize("label", ["MONTANT DU", "Reste à payer", "Somme due"])
def test_what_is_due_in_french(label: str) -> None:
    value, _ = total_of(f"MENU   14,13\nCAFE   2,10\n{label}   16,23\nESPECES   20,00\nA rendre   3,77")
    assert value == Decimal("16.23")


def test_dinars_have_thousandths() -> None:
    value, fields = total_of("Meal   3.500\nTea   0.250\nTotal   KWD 3.750\nCash   5.000\nChange   1.250")
    assert (value, fields.currency and fields.currency.value) == (Decimal("3.750"), "KWD")


def test_a_vietnamese_total() -> None:
    value, fields = total_of("Phở tái   95.000\nTrà đá   10.000\nTổng cộng   105.000 đ\nTiền mặt   200.000")
    assert (value, fields.currency and fields.currency.value) == (Decimal(105_000), "VND")
