"""Dates: parsing what a locale formats gives the day back; a date in the future is never read."""

from __future__ import annotations

import datetime as dt

import pytest
from babel.dates import format_date
from hypothesis import given, settings
from hypothesis import strategies as st
from receipt_words import TODAY, read

from flows.reading.parser import latest_day
from flows.reading.parser.dates import blank, find_dates, find_times

LOCALES = ["en_GB", "en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pt_PT", "sv_SE", "fi_FI", "id_ID"]
DAYS = st.dates(min_value=dt.date(2000, 1, 1), max_value=dt.date(2068, 12, 31))


@settings(deadline=None)  # the first call loads the month names of thirty languages
@given(
    DAYS, st.sampled_from(LOCALES), st.sampled_from(["dd/MM/yyyy", "d.M.yyyy", "yyyy-MM-dd", "dd MMM yyyy", "MM/dd/yy"])
)
def test_parse_of_format_has_the_day_among_its_readings(day: dt.date, locale: str, pattern: str) -> None:
    (mention,) = find_dates(format_date(day, pattern, locale=locale))
    assert day in mention.readings


@given(DAYS)
def test_unambiguous_forms_have_one_reading(day: dt.date) -> None:
    for text in (f"{day:%Y-%m-%d}", f"{day:%Y%m%d}", format_date(day, "d MMMM yyyy", locale="en_GB")):
        (mention,) = find_dates(text)
        assert mention.readings == (day,)


@pytest.mark.parametrize(
    ("text", "day", "time"),
    [
        ("02.03.2015:59", dt.date(2020, 3, 2), dt.time(15, 59)),
        ("25-12-20171:33PM", dt.date(2017, 12, 25), dt.time(13, 33)),
        ("REG #19- 18/01/2018 10:27:03", dt.date(2018, 1, 18), dt.time(10, 27, 3)),
        ("05-05~18 05:23", dt.date(2018, 5, 5), dt.time(5, 23)),
        ("2021年3月14日 12:30", dt.date(2021, 3, 14), dt.time(12, 30)),
        ("12/28/2017 12:17:32 AM", dt.date(2017, 12, 28), dt.time(0, 17, 32)),
    ],
)
def test_glued_and_blurred_forms(text: str, day: dt.date, time: dt.time) -> None:
    dates = find_dates(text)
    assert dates[0].readings[0] == day
    assert [found.value for found in find_times(blank(text, dates))] == [time]


@pytest.mark.parametrize("text", ["MF13-22/3 - 24/360", "3 3.00 3.18 15.90", "12.10.5.00", "SET 19.90", "03-40210276"])
def test_codes_and_prices_are_no_dates(text: str) -> None:
    assert find_dates(text) == []


RECEIPT = """
CORNER SHOP LTD
12 Mill Lane
{place}
Date: {date}
TEA         2.50
TOTAL       2.50
CASH        2.50
"""


@settings(deadline=None)  # a busy machine takes its time
@given(st.dates(min_value=dt.date(2015, 1, 1), max_value=dt.date(2035, 12, 31)))
def test_never_tomorrow(day: dt.date) -> None:
    fields = read(RECEIPT.format(place="London", date=f"{day:%d %B %Y}"))
    if day <= TODAY:
        assert fields.purchase_date is not None and fields.purchase_date.value == day
    else:
        assert fields.purchase_date is None
        assert "purchase_date: none was found" in fields.reasons


@pytest.mark.parametrize(
    ("place", "date", "expected"),
    [
        ("London VAT No 123 4567 89", "05/06/2021", dt.date(2021, 6, 5)),
        ("Dallas, TX 75206", "05/06/2021", dt.date(2021, 5, 6)),
        ("Dallas, TX 75206", "25/06/2021", dt.date(2021, 6, 25)),
        ("Ref 20210605-1", "05/06/2021", dt.date(2021, 6, 5)),
    ],
)
def test_day_and_month_by_country_and_by_what_else_is_printed(place: str, date: str, expected: dt.date) -> None:
    fields = read(RECEIPT.format(place=place, date=date))
    assert fields.purchase_date is not None and fields.purchase_date.value == expected


def test_an_order_that_nothing_tells_is_for_a_person() -> None:
    fields = read(RECEIPT.replace(" LTD", "").format(place="", date="05/06/2021"))
    assert any("day and month may be swapped" in reason for reason in fields.reasons)


def test_an_expiry_date_is_not_the_purchase() -> None:
    text = (
        RECEIPT.format(place="London", date="14/02/2022") + "\nCard expiry: 31/03/2022\nOffer valid until 01/03/2022\n"
    )
    fields = read(text)
    assert fields.purchase_date is not None and fields.purchase_date.value == dt.date(2022, 2, 14)


def test_a_date_outside_its_tax_is_doubted() -> None:
    text = RECEIPT.format(
        place="Kuala Lumpur, Malaysia\nSelangor Sdn Bhd\nGST ID: 000123456789", date="04/05/2013 16:07"
    )
    fields = read(text)
    assert any("tax that the receipt names was not charged" in reason for reason in fields.reasons)


def test_the_latest_day_is_tomorrow_only_once_it_is_tomorrow_somewhere() -> None:
    morning = dt.datetime(2026, 11, 22, 9, 59, tzinfo=dt.UTC)
    assert latest_day(morning) == dt.date(2026, 11, 22)
    assert latest_day(morning + dt.timedelta(minutes=1)) == dt.date(2026, 11, 23)


OTHER_DATES = [
    "Garantie bis {}", "Warranty until: {}", "Warranty valid until {}", "Best before {}", "MHD {}", "Offer ends {}",
    "Valid until {}", "Expiry date: {}", "Flight BA 123 on {}", "Delivery date {}", "Lieferdatum: {}", "Check-in {}",
    "Date of birth {}", "Geburtsdatum: {}", "Valable jusqu'au {}", "Valido hasta {}", "Ważny do {}", "Platnost do {}",
    "Érvényes: {}", "Geçerlilik tarihi: {}", "Действительно до {}", "Ισχύει έως {}", "Voimassa {}", "Gyldig til {}",
    "Umtausch bis {}", "Exchange by {}", "Next service {}", "Departure\n{}", "有効期限 {}", "Gültig bis\n{}",
]  # fmt: skip


@pytest.mark.parametrize("words", OTHER_DATES)
def test_a_lone_date_of_something_else_is_no_purchase_date(words: str) -> None:
    fields = read(
        f"CORNER SHOP LTD\nLeeds LS1 4AA\nTEA   2.50\nTOTAL   £2.50\nCASH   £2.50\n{words.format('19.08.2025')}"
    )
    assert fields.purchase_date is None
    assert fields.decision == "review"


@pytest.mark.parametrize("words", OTHER_DATES)
def test_the_purchase_date_is_taken_beside_another(words: str) -> None:
    text = (
        f"CORNER SHOP LTD\nLeeds LS1 4AA\n{{}}\nTEA   2.50\nTOTAL   £2.50\nCASH   £2.50\n{words.format('19.08.2025')}"
    )
    fields = read(text.format("02.06.2025 10:15"))
    assert fields.purchase_date is not None and fields.purchase_date.value == dt.date(2025, 6, 2)


@pytest.mark.parametrize(
    "text",
    [
        "Bistro Central 02.06.2025", "Date: 02.06.2025 Return within 30 days", "Mo-Sa 8 bis 20 Uhr 02.06.2025",
        "Garantiezeit von zwei Jahren.\n02.06.2025 10:22", "Rechnungs- und Lieferdatum: 02.06.2025",
        "Export Trading 02.06.2025",
    ],
)  # fmt: skip
def test_words_that_only_look_like_another_date(text: str) -> None:
    fields = read(f"CORNER SHOP LTD\n{text}\nTEA   2.50\nTOTAL   £2.50\nCASH   £2.50")
    assert fields.purchase_date is not None and fields.purchase_date.value == dt.date(2025, 6, 2)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("15/03/2569 12:41", dt.date(2026, 3, 15)),  # Buddhist
        ("2569-03-15", dt.date(2026, 3, 15)),
        ("民國115年3月5日", dt.date(2026, 3, 5)),
        ("令和8年3月5日(木)", dt.date(2026, 3, 5)),
        ("令和元年5月1日", dt.date(2019, 5, 1)),
        ("2026년 5월 14일", dt.date(2026, 5, 14)),
        ("26年5月14日", dt.date(2026, 5, 14)),
        ("14.III.2026", dt.date(2026, 3, 14)),
        ("14 XII 2025", dt.date(2025, 12, 14)),
        ("12 0ct 2025", dt.date(2025, 10, 12)),
        ("12 Ju1 2025", dt.date(2025, 7, 12)),
        ("13.11.22,13:17", dt.date(2022, 11, 13)),
        ("7- 4-2022", dt.date(2022, 4, 7)),
        ("Dat.31.08.2015 Zeit19:22", dt.date(2015, 8, 31)),
        ("5. března 2026", dt.date(2026, 3, 5)),
        ("5 kovo 2026", dt.date(2026, 3, 5)),
        ("5 martie 2026", dt.date(2026, 3, 5)),
        ("5 Mart 2026", dt.date(2026, 3, 5)),
        ("5 marca 2026", dt.date(2026, 3, 5)),
        ("2026. március 5.", dt.date(2026, 3, 5)),
        ("5 березня 2026", dt.date(2026, 3, 5)),
        ("5 марта 2026", dt.date(2026, 3, 5)),
        ("5 Μαρτίου 2026", dt.date(2026, 3, 5)),
        ("5 ožujka 2026", dt.date(2026, 3, 5)),
    ],
)
def test_dates_of_the_world(text: str, day: dt.date) -> None:
    assert find_dates(text)[0].readings == (day,) or find_dates(text)[0].readings[0] == day


def test_a_year_of_taiwan_counts_there_only() -> None:
    text = "{}\n115/03/05 10:12\nTEA   250\nTOTAL   $250"
    assert read(text.format("好日子 統一編號 12345678")).purchase_date is not None
    assert read(text.format("CORNER SHOP LTD")).purchase_date is None


@pytest.mark.parametrize("text", ["05.06.2025", "05.06.25"])
def test_dotted_dates_are_never_month_first(text: str) -> None:
    assert [day.month for day in find_dates(text)[0].readings] == [6]


@pytest.mark.parametrize("text", ["1 SUB 12.50", "3 NIS 20 1.50", "2 MAY 30.00"])
def test_goods_are_no_months(text: str) -> None:
    assert find_dates(text) == []


@pytest.mark.parametrize(("mark", "month"), [("£", 6), ("€", 6), ("US$", 5)])
def test_the_currency_tells_the_order(mark: str, month: int) -> None:
    fields = read(f"CORNER SHOP\n05/06/2025 10:00\nTEA   2.50\nTOTAL   {mark}2.50\nCASH   {mark}2.50")
    assert fields.purchase_date is not None and fields.purchase_date.value.month == month
    assert not any("swapped" in reason for reason in fields.reasons)


def test_a_lone_plain_date_needs_no_time_beside_it() -> None:
    fields = read("CORNER SHOP LTD\nLeeds LS1 4AA\n14.05.2025\nTEA   2.50\nTOTAL   £2.50\nCASH   £2.50")
    assert not any(reason.startswith("purchase_date") for reason in fields.reasons)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Dato 11/06-2024 16:56", dt.date(2024, 6, 11)),
        ("Dato: 14/8-26", dt.date(2026, 8, 14)),
        ("RechnungNr.12-3484 19:51:4419.01.2021", dt.date(2021, 1, 19)),
    ],
)
def test_joined_and_mixed_forms(text: str, day: dt.date) -> None:
    assert [mention.readings for mention in find_dates(text)] == [(day,)]


@pytest.mark.parametrize(
    "place",
    [
        "Livs AB\nOrg.nr: 556712-3456\nBröd   20,00\nATT BETALA   20,00 SEK",
        "Kft.\nAdószám: 12345678-2-06\nKifli   200\nÖSSZESEN   200 Ft",
    ],
)
def test_short_years_stand_first_where_years_do(place: str) -> None:
    date = read(f"{place}\n24-11-10 12:38").purchase_date
    assert date is not None
    assert date.value == dt.date(2024, 11, 10)


def test_a_day_that_may_be_cut_off_is_for_a_person() -> None:
    text = "MUSTER GMBH\n33098 Paderborn\nUST-ID DE281260691\n"
    text += "{} 15:56 Kasse 02\nTee   1,95\nTotal   1,95 EUR\nBar   1,95 EUR"
    assert read(text.format("7.02.2020")).decision == "review"
    assert read(text.format("27.02.2020")).decision == "accept"
    assert read(text.format("Datum 7.02.2020")).decision == "accept"


@pytest.mark.parametrize("text", ["2O26.07.13 21:46", "13/O7/2026", "l3.07.2026", "13.07.2O26"])
def test_figures_read_as_letters(text: str) -> None:
    assert find_dates(text)[0].readings[0] == dt.date(2026, 7, 13)


def test_a_day_that_is_the_same_in_either_order_is_printed_once() -> None:
    fields = read("CORNER SHOP LTD\nVAT 555 0111 22\n06-06-2024\nTEA   2.50\nTOTAL   £2.50\nCARD   £2.50")
    assert fields.purchase_date is not None
    assert not any(check.name == "date_repeated" for check in fields.checks)


@pytest.mark.parametrize(
    ("lines", "day"),
    [
        ("03 AUG 2019  17:22:40\nDATE/TIME: 19/08/03", "2019-08-03"),
        ("1. Inv. 14.05.2014   MFK 05.2024\nBarrechnung   29.03.2023", "2023-03-29"),
        ("FECHA VIAJE : 14-02-2025\nEMITIDO: 09-01-2025 12:50", "2025-01-09"),
        ("Rechnungsdatum   09.11.2021\nLeistungsdatum   08.11.2021", "2021-11-09"),
        ("Einfahrt   20.03.2026   19:44\nBezahlt   21.03.2026   08:07", "2026-03-21"),
        ("18-11-2017   #0047\nVotre prochain rendez-vous:\nve 12.01.2018 à 14h30", "2017-11-18"),
        ("28.01.24-20:17   2.1.18   TA04188", "2024-01-28"),
        ("11:4721.9.2024", "2024-09-21"),
        ("10/14/2022 (Fri) 12:20 PM\nAccred No. 0470062718842\nDate Issued: 08/01/2020", "2022-10-14"),
        ("Strandurlaub 01.07.-05.07.2026\nRechnung 05.07.2026\nabzgl. Anzahlung 12.02.2026", "2026-07-05"),
    ],
)
def test_the_day_of_purchase_among_others(lines: str, day: str) -> None:
    fields = read(f"HOTEL GMBH\n{lines}\nTEA   2.50\nTOTAL CHF   2.50\nCASH   2.50")
    assert fields.purchase_date is not None
    assert fields.purchase_date.value.isoformat() == day


def test_days_of_a_list_of_charges_are_not_the_day_of_purchase() -> None:
    rows = "\n".join(f"10/0{day}/25 ROOM   $129.00" for day in (7, 8, 8))
    fields = read(
        f"HAMPTON INN\n990 Club Dr, Flagstaff AZ 86004\nFOLIO\n{rows}\nDATE OF CHARGE 10/09/25\nTOTAL   $387.00"
    )
    assert fields.purchase_date is not None
    assert fields.purchase_date.value.isoformat() == "2025-10-09"


def test_a_time_with_a_point_behind_a_date_is_no_amount() -> None:
    fields = read(
        "Q8 EASY SRL\nP.IVA 02399106617\n24/07/21 06.18\nGASOLIO EUR   40,00\nTOTALE EUR   40,00\nCONTANTI   40,00"
    )
    assert all(str(amount) != "6.18" for values in fields.amounts.values() for amount in values)
    assert fields.decision == "accept"
