"""What is offered where a name, a date or a currency was not read: brands, whole days, the money of the language."""

from __future__ import annotations

import pytest
from receipt_words import read

from flows.domain.fields import ReceiptFields

_GOODS = "\nTEA        8.50\nTOTAL      8.50\nCASH       8.50\n"


def offered(fields: ReceiptFields, name: str) -> list[str]:
    return [str(one.value) for one in fields.candidates.get(name, ())]


@pytest.mark.parametrize(("head", "brand", "like"), [
    ("Kriens Schappe\ncaop\nCHE-116.311.185 MWST\nTotal CHF 8.50\n29.05.2021", "Coop", "caop"),
    ("Bce IAPTHEPbI Ha caMTe\nHEK IPOAAKH\n# MATA3HH EBPOONT\n"
     "220000 Minsk, Belarus +375 44 7888880\nTotal BYN 8.50\n10.03.2021", "Евроопт",
     "EBPOONT"),
])  # fmt: skip
def test_a_garbled_brand_of_the_place_is_offered_with_what_it_is_like(head: str, brand: str, like: str) -> None:
    fields = read(head + _GOODS)
    found = next(one for one in fields.candidates["merchant"] if one.value == brand)
    assert found.evidence == f"brand list, like {like}"
    assert fields.merchant is None or fields.merchant.value != brand  # offered, not chosen


def test_a_brand_of_elsewhere_and_a_word_among_others_are_not_offered() -> None:
    fields = read("caop\n12, JALAN BESAR\n50000 KUALA LUMPUR\nGST ID: 000433614848\n12/03/2018 10:15" + _GOODS)
    assert "Coop" not in offered(fields, "merchant")
    fields = read("Kriens\nwie bei caop an der Kasse\nCHE-116.311.185 MWST\nTotal CHF 8.50\n29.05.2021" + _GOODS)
    assert "Coop" not in offered(fields, "merchant")


def test_words_of_a_logo_below_one_another_are_offered_as_one_name() -> None:
    fields = read("Blue\nstone\nbakery000965911p\n117, JALAN RADIN BAGUS\n12/03/2018 10:15" + _GOODS)
    assert "Blue stone bakery" in offered(fields, "merchant")


def test_a_year_that_is_cut_off_is_offered_whole_within_what_the_tax_allows() -> None:
    head = "KEDAI MAKAN SDN BHD\n18, JALAN PERMAS 10/7\n81750 MASAI, JOHOR\n"
    taxed = read(head + "GST ID: 000433614848\nDATE: 20/03/201\nTIME: 12:42:00" + _GOODS)
    assert taxed.purchase_date is None
    assert offered(taxed, "purchase_date") == ["2019-03-20", "2018-03-20", "2017-03-20", "2016-03-20"]
    plain = read(head + "DATE: 31/04/201" + _GOODS)
    assert offered(plain, "purchase_date") == []  # no day of the calendar


def test_a_misread_figure_of_a_year_without_the_tax_is_offered_right() -> None:
    head = "KEDAI ROTI SDN BHD\n117, JALAN RADIN BAGUS\n57000 KUALA LUMPUR\nGST ID: 000292065280\n"
    fields = read(head + "14-05-2013 16:07" + _GOODS)
    assert offered(fields, "purchase_date") == ["2013-05-14", "2018-05-14", "2015-05-14"]
    assert fields.decision == "review"
    assert offered(read(head + "14-05-2018 16:07" + _GOODS), "purchase_date") == ["2018-05-14"]


def test_a_currency_that_nothing_names_is_offered_by_the_language_and_by_whole_amounts() -> None:
    foot = "\nGracias por su compra\nFecha 15/09/2022\n"
    whole = read("Comanda\nPizza   10.900\nTotal   10.900\nEfectivo   10.900" + foot)
    assert whole.currency is None
    assert offered(whole, "currency")[0] == "CLP"
    cents = read("Comanda\nPizza   10.90\nTotal   10.90\nEfectivo   10.90" + foot)
    assert cents.currency is None
    assert {"EUR", "MXN"} & set(offered(cents, "currency")[:5])
    assert "CLP" not in offered(cents, "currency")[:1]
