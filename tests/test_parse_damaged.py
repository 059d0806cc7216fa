"""What OCR spoils: dates, logos, labels. Each is a kind of misreading seen on real receipts photographed worse."""

from __future__ import annotations

import datetime as dt

import pytest
from receipt_words import read

from flows.reading.brands import all_brands
from flows.reading.parser.logo_brands import slipped_brand
from flows.reading.parser.mended_dates import mended_dates

GOODS = "MILK   2.50\nBREAD   3.00\nTOTAL   RM5.50\nCASH   RM5.50"
HEAD = "BUKIT TRADING SDN BHD\n12 Jalan Sultan\n50000 Kuala Lumpur, Malaysia"


@pytest.mark.parametrize(
    ("printed", "day"),
    [
        ("DATE:2B/09/2017", dt.date(2017, 9, 28)),
        ("10=05~17 02:31PM", dt.date(2017, 5, 10)),
        ("14/Jum/2017 08:34", dt.date(2017, 6, 14)),
        ("05/052018 16:07", dt.date(2018, 5, 5)),
        ("0505/2018", dt.date(2018, 5, 5)),
        ("Date: 17:09/2017", dt.date(2017, 9, 17)),
        ("14/06/2817 12:01", dt.date(2017, 6, 14)),
        ("29 Setember 2019", dt.date(2019, 9, 29)),
        ("3 Octuber 2020", dt.date(2020, 10, 3)),
        ("Z5.1O.2019", dt.date(2019, 10, 25)),
        ("19/18/2017 11:29", dt.date(2017, 10, 19)),
        ("2017-06-44 11:29", dt.date(2017, 6, 14)),
        ("2026-02-1113-27", dt.date(2026, 2, 11)),
        ("2005,2020 14:17", dt.date(2020, 5, 20)),
    ],
)
def test_a_spoiled_date_is_read_and_left_to_a_person(printed: str, day: dt.date) -> None:
    fields = read(f"{HEAD}\n{printed}\n{GOODS}")
    assert fields.purchase_date is not None and fields.purchase_date.value == day
    assert fields.decision == "review"
    assert any("which seems to mean" in reason for reason in fields.reasons)


@pytest.mark.parametrize(
    "text",
    ["03-7845 8155", "12:30:45", "Tel 01.23.45", "1.000,50", "No. 4 & 6", "1-2-12", "100 CAPS 20", "3 Fish 2018",
     "INV 12-34-56", "LOT 4-5-67", "GST 000181747712", "2 x 1.50 3.00", "05 05 20", "CB#:78283158333 14"],
)  # fmt: skip
def test_other_figures_are_no_spoiled_dates(text: str) -> None:
    assert mended_dates(text) == []


def test_a_whole_date_needs_no_mending() -> None:
    fields = read(f"{HEAD}\n12/03/2018 10:15\nRef 2B/09/2017\n{GOODS}")
    assert fields.purchase_date is not None and fields.purchase_date.value == dt.date(2018, 3, 12)
    assert fields.decision == "accept"


def test_a_date_glued_to_the_time_is_whole() -> None:
    fields = read(f"{HEAD}\n{GOODS}\nSt:8541 ID:3003 20:5607/07/17")
    assert fields.purchase_date is not None and fields.purchase_date.value == dt.date(2017, 7, 7)
    assert not any("seems to mean" in reason for reason in fields.reasons)


@pytest.mark.parametrize(
    ("text", "country", "brand"),
    [("LDL", "DE", "Lidl"), ("RSSMANN", "DE", "Rossmann"), ("MGROS", "CH", "Migros"), ("SPR", "AT", "Spar")],
)
def test_a_logo_that_lost_a_letter_is_a_brand_of_the_country(text: str, country: str, brand: str) -> None:
    found = slipped_brand(text, country)
    assert found is not None and found.name == brand


@pytest.mark.parametrize("text", ["KFC", "DHL", "RWE", "TK MAXX", "Spring", "Schmid", "Christ", "Caop", "Lido", "GRB"])
def test_other_names_stay_what_they_are(text: str) -> None:
    assert slipped_brand(text, "DE") is None


def test_a_wrong_letter_needs_the_brand_elsewhere_on_the_receipt() -> None:
    assert slipped_brand("LÁDL", "GB") is None
    found = slipped_brand("LÁDL", "GB", ["you can win £100 of Lidl Vouchers"])
    assert found is not None and found.name == "Lidl"
    assert slipped_brand("Lido", "GB", ["Lido and Lidl"]) is None


def test_brands_that_are_anywhere_are_known_in_every_country() -> None:
    lidl = next(brand for brand in all_brands() if brand.name == "Lidl")
    assert lidl.is_in(frozenset({"DE"})) and lidl.is_in(frozenset({"PL"}))


def test_a_brand_for_a_logo_is_marked_to_be_checked() -> None:
    fields = read(
        "LDL\nWarburger Straße 130\n33100 Paderborn\nMilch   2,50 A\nBrot   3,00 A\nzu zahlen   5,50\nBar   5,50\n"
        "MWST 7 %   0,36\nUST-ID-NR: DE814689550\n30.04.2020 09:58\nEUR"
    )
    assert fields.merchant is not None and fields.merchant.value == "Lidl"
    assert fields.merchant.evidence == "LDL"
    assert any(check.name == "merchant_name" and check.held is False for check in fields.checks)


def test_a_web_address_has_the_letter_that_the_logo_lost() -> None:
    fields = read(f"LYHEE\n11 Mill St, Leeds LS1 4AA\nwww.lychee.co.uk\n05/11/2026 10:11\n{GOODS}")
    assert fields.merchant is not None and fields.merchant.value == "LYCHEE"
    plain = read(f"MAX\n11 Mill St, Leeds LS1 4AA\nwww.maxi.co.uk\n05/11/2026 10:11\n{GOODS}")
    assert plain.merchant is not None and plain.merchant.value == "MAX"


def test_a_town_beside_its_postal_code_is_no_name() -> None:
    fields = read(f"KEDAI ANGGERIK\n80300 JOHOR BAHRU\nJOHOR\n12/03/2018\n{GOODS}")
    assert fields.merchant is not None and fields.merchant.value == "KEDAI ANGGERIK"
    alone = read(f"K3-113, JL SULTAN\n80300 JOHOR BAHRU\nJOHOR\n12/03/2018\n{GOODS}")
    assert alone.merchant is None or alone.merchant.value != "JOHOR" or alone.decision == "review"


def test_the_company_below_the_title_is_the_one_that_buys() -> None:
    fields = read(
        "GARDENLA BAKERIESKL) SDN BHD (139386 X)\nLot 3, Jalan Pelabur\n40300 Shah Alam, Selangor\n"
        f"TAX INVOICE / ADJUSTMENT NOTE\nDate: 17/09/2017\nMAKASSAR FRESH MARKET SDN BHD\nJALAN SS 15\n{GOODS}"
    )
    assert fields.merchant is not None and fields.merchant.value.startswith("GARDENLA")


def test_a_company_in_two_lines_is_one_name_whatever_one_letter_looks_like() -> None:
    fields = read(f"WESTERN EASTERN\nSTeTIONERY SDN.BHD\nCO REG NO : 210038-K\n16-04-2018 14:51\n{GOODS}")
    assert fields.merchant is not None and fields.merchant.value.startswith("WESTERN EASTERN")


def test_a_number_to_call_is_no_name() -> None:
    fields = read(f"NEWS CORNER\nnewscareline: 1800 88 1231\nnewscareline@news.example\n16-04-2018 14:51\n{GOODS}")
    assert fields.merchant is not None and fields.merchant.value == "NEWS CORNER"


def test_an_amount_takes_the_label_of_its_own_column() -> None:
    fields = read(
        f"{HEAD}\n17/05/2017 10:11\nItem 3    Total with GST 6%    41.48\nRounding    0.02\n"
        "Total Saving 0 00    Total    41.50\nMaster App 83650    41.50\nChange    0.00"
    )
    assert fields.total is not None and str(fields.total.value) == "41.50"
