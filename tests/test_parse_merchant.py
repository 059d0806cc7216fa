"""The merchant: names over several lines, under stamps, beside owners and customers, respelled by the rest."""

from __future__ import annotations

import pytest
from receipt_words import read

from flows.reading.parser import squeeze

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


SLIP = "14/09/2026 17:22\nTEA   2.49\nCAKE   3.99\nTOTAL   £6.48\nCARD   £6.48"


@pytest.mark.parametrize("stamp", ["PAID", "PAIT", "EUR", "PARAGON FISKALNY", "COPY", "BOLETA", "NYUGTA", "UCTENKA"])
def test_stamps_currencies_and_titles_are_no_names(stamp: str) -> None:
    fields = read(f"{stamp}\nGREEN LANE CAFE\n11 Mill St, Leeds LS1 4AA\n{SLIP}")
    assert fields.merchant is not None and fields.merchant.value == "GREEN LANE CAFE"


@pytest.mark.parametrize("role", ["own by", "Owned by", "dimiliki oleh", "Adres siedziby", "formerly"])
def test_an_owner_or_a_former_name_is_not_the_merchant(role: str) -> None:
    fields = read(f"GREEN LANE CAFE\n{role} Mega Holdings Ltd\n11 Mill St, Leeds LS1 4AA\n{SLIP}")
    assert fields.merchant is not None and fields.merchant.value == "GREEN LANE CAFE"


@pytest.mark.parametrize(
    "name",
    [
        "SKLEP ZIELONY Sp. z o.o.", "Potraviny u Mostu s.r.o.", "Kisbolt Kft", "UAB Medelsta", "SIA Rasa",
        "Tallinna OÜ", "Konzum d.o.o.", 'ООО "Северный двор"', "ТОВ Промінь", "Kadıköy Gıda A.Ş.", "Lagkagehuset ApS",
        "Migros Genossenschaft",
    ],
)  # fmt: skip
def test_legal_forms_of_the_world_name_the_merchant(name: str) -> None:
    fields = read(
        f"{name}\nMostecka 7, 110 00 Praha 1\n14.09.2026 17:22\nA   2,49\nB   3,99\nTOTAL   6,48\nCARD   6,48"
    )
    assert fields.merchant is not None
    assert squeeze(fields.merchant.value) == squeeze(name)


def test_small_print_spells_a_misread_logo() -> None:
    text = f"The fychee\n11 Mill St, Leeds LS1 4AA\nwww.the-lychee.co.uk\n{SLIP}"
    fields = read(text)
    assert fields.merchant is not None and fields.merchant.value == "The Lychee"


@pytest.mark.parametrize("name", ["AdLnbaD neI", "XkrTzWq", "ΓIRNNHΣ TFBEPNA", "Sk1pRt9a"])
def test_a_name_of_no_language_is_for_a_person(name: str) -> None:
    fields = read(f"{name}\n11 Mill St, Leeds LS1 4AA\n{SLIP}")
    assert fields.decision == "review"
    assert any(reason.startswith("merchant: nothing else") for reason in fields.reasons)


def test_a_likely_name_is_accepted_with_a_mark() -> None:
    fields = read(f"KRIENS SCHAPPE\nFOR YOU AND ME\n11 Mill St, Leeds LS1 4AA\n{SLIP}")
    assert fields.merchant is not None
    marked = [check for check in fields.checks if check.name == "merchant_name"]
    assert bool(marked) == (fields.merchant.confidence < 0.8)
    assert not marked or "check the name" in marked[0].detail


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("Kaviareň Luna\nHlavná 45\n040 01 Košice", "Kaviareň Luna"),
        ("Wattle Street Bakehouse\n118 Brunswick St\nFitzroy VIC 3065\nABN 51 824 753 556", "Wattle Street Bakehouse"),
        ("Lekarna Center\nSlovenska cesta 30\n1000 Ljubljana\nDavčna št.: SI98765432", "Lekarna Center"),
        ("한빛마트\n서울특별시 마포구 양화로 45\n사업자번호: 123-45-67890", "한빛마트"),
        ("Kalász 2005 Bt.\n6720 Szeged", "Kalász 2005 Bt"),
    ],
)
def test_streets_towns_and_tax_numbers_are_no_names(head: str, name: str) -> None:
    merchant = read(f"{head}\n01-10-2026 15:09\nA   13,19\nB   27,58\nTOTAL   40,77\nCARD   40,77").merchant
    assert merchant is not None
    assert merchant.value == name


@pytest.mark.parametrize("line", ["Cash Saie", "SIMPLIFIED TAX INVDICE", "kup min. 400g cukierków na wagę"])
def test_misread_titles_and_advertisements_are_no_names(line: str) -> None:
    merchant = read(f"{line}\nSINNATHAMBY TRADERS\n12 High Street\n05/11/2026 10:11\nTEA   2.50\nTOTAL   2.50").merchant
    assert merchant is not None
    assert merchant.value == "SINNATHAMBY TRADERS"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("coop\nCoop Lugano Resega\nArticolo  Qtà  Prezzo  Azione  Totale  Ag.", "coop"),
        ("Tim Hortons\nAlways Fresh\n1734421 ONTARIO INC.\nHST# 81442 7713 RT0001", "Tim Hortons"),
        ("Bistro Chez Mireille\n9284-5513 QUÉBEC INC.\n1187, rue Cartier", "Bistro Chez Mireille"),
        ("Papeterie\nTHÖNY\nLandstrasse 7, 9490 Vaduz", "Papeterie THÖNY"),
        ("COMERCIAL LOS PEUMOS\nLTDA.  RUT 78.553.210-6\nRUTA 5 SUR KM 187", "COMERCIAL LOS PEUMOS LTDA"),
        ("BC LIQUOR\nStore 100 - 39th & Cambie\n5555 Cambie St Vancouver BC", "BC LIQUOR"),
    ],
)
def test_headings_numbers_and_branches_are_no_names(head: str, name: str) -> None:
    merchant = read(f"{head}\n01-10-2026 15:09\nA   13.19\nB   27.58\nTOTAL   40.77\nCARD   40.77").merchant
    assert merchant is not None
    assert merchant.value.startswith(name)
