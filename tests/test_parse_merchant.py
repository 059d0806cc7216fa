"""The merchant: names over several lines, under stamps, beside owners and customers, respelled by the rest."""

from __future__ import annotations

import pytest
from receipt_words import read

BODY = """
TAX INVOICE
12/03/2018 10:15
TEA        8.50
TOTAL      8.50
"""

HEADS = {
    "KINGS BAKERY SDN BHD": "KINGS BAKERY SDN BHD (123456-T)\nNO 1, JALAN BESAR\n50000 KUALA LUMPUR",
    "GREEN BOOK CO. (M) SDN BHD": "GREEN BOOK\nCO. (M) SDN BHD\n(Co. No. 113825-W)\nNo 8, Jalan 7/118B",
    "LONG HARDWARE ENTERPRISE (SETIA ALAM) SDN BHD": "LONG HARDWARE\nENTERPRISE (SETIA\n"
    "ALAM) SDN BHD\n822737-X\nNO. 17-G, JALAN SETIA",
    "FINE WARES ENTERPRISE": "POSTED\nFINE WARES ENTERPRISE\n9, JALAN SUBANG 3",
    "BLUE SUPPLY SDN BHD": "BLUE SUPPLY SDN BHD\nNO 2 JALAN AMAN\nBill To\nRED TRANSPORT SDN BHD",
    "CORNER STATIONERY SHOP": "CORNER STATIONERY SHOP\nNO. 31G, JALAN INDAH\nOwned By :\n"
    "CORNER TRADE SUPPLY SDN BHD (1135772-K)",
    "MYSTORE RETAIL SB": "MYSTORE RETAIL SB(306295-X) FKA BUFFALO STORES SB\nUNIT 105, BLOCK A",
    "BEST MARKET S/B": "BEST MARKET 5/B (519537-X)\nLOT P.T. 2811, JALAN ANGSA",
    "THREE FRIENDS": "THREE FRIENDS\nBISTRO & CAFE\n109, SS21/1A",
}


@pytest.mark.parametrize("name", HEADS)
def test_names_in_heads(name: str) -> None:
    merchant = read(HEADS[name] + BODY).merchant
    assert merchant is not None and merchant.value == name


def test_the_web_address_tells_the_name_from_slogans() -> None:
    head = "WUNDERBAR\nGUENSTIG\nFeldmarkt Huber\nHauptstr. 4\n33102 Paderborn\nwww.feldmarkt-huber.de"
    merchant = read(head + BODY).merchant
    assert merchant is not None and merchant.value == "Feldmarkt Huber"


def test_a_misread_logo_is_respelled_by_the_rest_of_the_receipt() -> None:
    merchant = read("BLMENHAUS" + BODY + "Blumenhaus Meyer GmbH\nwww.blumenhaus.de\nBlumenhaus dankt").merchant
    assert merchant is not None and merchant.value.lower().startswith("blumenhaus")


def test_a_picture_for_a_head_leaves_the_web_address() -> None:
    merchant = read("12/03/2018 10:15\nTEA   8.50\nTOTAL   8.50\nwww.teehaus.de").merchant
    assert merchant is not None and merchant.value == "teehaus"


def test_a_page_without_words_has_no_merchant() -> None:
    assert read("12/03/2018 10:15\n8.50\n8.50").merchant is None


def test_address_phone_numbers_are_found() -> None:
    fields = read(
        "GREEN BAKERY GmbH\nSüdring 7\n33647 Bielefeld\nTel. 05251 / 180420\nUSt-IdNr.: DE 813 129 242\n"
        "Beleg-Nr. 3937\n"
        "05.03.2020 10:15\nBROT   2,50 A\nSUMME EUR   2,50\nBAR   5,00\nRückgeld   2,50"
    )
    assert fields.merchant_address is not None and fields.merchant_address.value == "Südring 7, 33647 Bielefeld"
    assert fields.merchant_phone is not None and fields.merchant_phone.value == "05251 / 180420"
    assert fields.merchant_tax_id is not None and fields.merchant_tax_id.value.replace(" ", "") == "DE813129242"
    assert fields.receipt_number is not None and fields.receipt_number.value == "3937"
    assert fields.language is not None and fields.language.value == "de"
