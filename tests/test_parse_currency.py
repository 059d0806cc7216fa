"""The currency of the total: its own mark decides; bought things, names and conversions never do."""

from __future__ import annotations

import pytest
from receipt_words import read

from flows.reading.parser.decide import ACCEPT_CONFIDENCE

HEAD = {
    "us": "CORNER STORE\n410 Cedar St, Fargo, ND 58102\n(701) 555-0144\n",
    "gb": "CORNER CAFE\n14 High Street, Ludlow SY8 1BW\nVAT 555 0111 22\n",
    "ch": "Gasthaus Hecht\nSeestrasse 12 CH-6353 Weggis\nCHE-114.093.887 MWST\n",
    "ch_fr": "BAR DU LAC SARL\nQuai 4, 1800 Vevey\nTVA CHE-111.555.222\n",
    "none": "CORNER SHOP\n",
}
GOODS = "14/09/2026 17:22\n{item}   2.49\nTORTILLA CHIPS   3.99\n"


@pytest.mark.parametrize(
    ("head", "item", "mark", "currency"),
    [
        ("us", "CANADA DRY GINGER ALE", "$", "USD"),
        ("us", "SINGAPORE NOODLES", "$", "USD"),
        ("us", "AUSTRALIA SHIRAZ", "$", "USD"),
        ("gb", "Singapore Noodles", "", "GBP"),
        ("gb", "CANADA DRY", "", "GBP"),
        ("gb", "Swiss Roll Bern", "", "GBP"),
        ("ch", "Wiener Schnitzel Wien", "", "CHF"),
        ("ch_fr", "Tarte de France", "", "CHF"),
    ],
)
def test_bought_things_tell_no_country(head: str, item: str, mark: str, currency: str) -> None:
    text = f"{HEAD[head]}{GOODS.format(item=item)}TOTAL   {mark}6.48\nCARD   {mark}6.48"
    fields = read(text)
    assert fields.currency is not None and fields.currency.value == currency
    assert fields.decision == "accept", fields.reasons


@pytest.mark.parametrize(
    "name", ["CANADA HOUSE DINER", "Singapore Garden", "THAI BANGKOK", "Restaurant France", "The UK Shop"]
)
def test_a_name_tells_no_country(name: str) -> None:
    fields = read(f"{name}\n{GOODS.format(item='TEA')}TOTAL   6.48\nCASH   6.48")
    assert fields.decision == "review"
    assert any(reason.startswith("currency: ") for reason in fields.reasons)


def test_words_of_several_countries_tell_nothing_between_them() -> None:
    """MwSt and GmbH are Germany's, Austria's and Switzerland's; the tax number alone decides."""
    words = "Hotel Post GmbH\nMwSt. inkl.\n"
    unsure = read(f"{words}{GOODS.format(item='TEE')}TOTAL   6.48\nKARTE   6.48")
    assert unsure.decision == "review"
    for number, currency in (("CHE-114.093.887 MWST", "CHF"), ("ATU32767404", "EUR"), ("DE123456789", "EUR")):
        fields = read(f"{words}UID {number}\n{GOODS.format(item='TEE')}TOTAL   6.48\nKARTE   6.48")
        assert fields.currency is not None and fields.currency.value == currency


@pytest.mark.parametrize(
    "conversion",
    [
        "Total in Euro   7.02",
        "EUR   7.02",
        "Euro   6.48",
        "TOTAL EUR   7.02",
        "Kurs 0.92 EUR   7.02",
        "en euros   7.02",
    ],
)
@pytest.mark.parametrize("place", ["above", "below"])
@pytest.mark.parametrize("mark", ["", "CHF "])
def test_a_conversion_is_neither_the_total_nor_its_currency(conversion: str, place: str, mark: str) -> None:
    total = f"TOTAL   {mark}6.48"
    both = f"{conversion}\n{total}" if place == "above" else f"{total}\n{conversion}"
    fields = read(f"{HEAD['ch']}{GOODS.format(item='TEE')}{both}\nBAR   6.48\nMwSt 8.1%   0.49")
    assert fields.total is not None and str(fields.total.value) == "6.48"
    assert fields.currency is not None and fields.currency.value == "CHF"
    assert fields.decision == "accept", fields.reasons


def test_a_guessed_country_is_never_sure() -> None:
    """An address that only names a city, without tax number, phone, postal code or domain."""
    fields = read(f"CORNER SHOP\nHigh Street 4, London\n{GOODS.format(item='TEA')}TOTAL   6.48\nCASH   6.48")
    assert fields.decision == "review"


def test_the_tax_rate_tells_the_country() -> None:
    fields = read(f"Thai Khao\n{GOODS.format(item='TEE')}TOTAL   6.48\nBAR   6.48\nMwSt 8.1%   0.49")
    assert fields.currency is not None and fields.currency.value == "CHF"


@pytest.mark.parametrize(
    ("mark", "head", "currency"),
    [
        ("Ft", "Kisbolt Kft\nAdószám: 12345678-2-41\n", "HUF"),
        ("Kč", "Potraviny s.r.o.\nDIČ: CZ12345678\n", "CZK"),
        ("Kc", "Potraviny s.r.o.\nDIČ: CZ12345678\n", "CZK"),
        ("zl", "Sklep Sp. z o.o.\nNIP 712-10-08-323\n", "PLN"),
        ("lei", "Magazin SRL\nCIF: RO12345678\n", "RON"),
        ("TL", "Bakkal A.S.\nVKN 1234567890\n", "TRY"),
    ],
)
def test_marks_that_look_like_words_count_in_their_country(mark: str, head: str, currency: str) -> None:
    fields = read(f"{head}{GOODS.format(item='TEA')}TOTAL   6.48 {mark}\nCARD   6.48 {mark}")
    assert fields.currency is not None and fields.currency.value == currency
    elsewhere = read(f"{HEAD['us']}{GOODS.format(item=f'CABLE 12{mark}')}TOTAL   $6.48\nCARD   $6.48")
    assert elsewhere.currency is not None and elsewhere.currency.value == "USD"


@pytest.mark.parametrize(
    ("head", "currency"),
    [
        ("Av. Corrientes 1200, CABA\nCUIT 30-55501234-7", "ARS"),
        ("RUT: 76.134.941-4", "CLP"),
        ("ABN 51 824 753 556", "AUD"),
        ("Toronto ON M5V 2T6\nHST 123456789 RT0001", "CAD"),
        ("Singapore 238801\nGST Reg No: M2-1234567-8", "SGD"),
    ],
)
def test_a_symbol_of_several_currencies_is_settled_by_what_identifies_the_country(head: str, currency: str) -> None:
    fields = read(f"CORNER SHOP\n{head}\n{GOODS.format(item='TEA')}TOTAL   $6.48\nCASH   $6.48")
    assert fields.currency is not None and fields.currency.value == currency


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("Kystmarked Skagen\nBonnr: 61943\nLetmælk   12,50\nØreafrunding   0,00\nAt betale   kr. 12,50", "DKK"),
        ("Torget Drift\nSalgskvittering\nBrunost   29,00\nÅ betale   kr 29,00\nVekslepenger   1,00", "NOK"),
        ("Livs\nKvittonr 11\nBröd   72,00\nAtt betala   72,00 kr\nÖppet köp 30 dagar", "SEK"),
        ("Közért ABC\nNYUGTA\nKifli   1 200\nÖSSZESEN   1 200\nKÉSZPÉNZ   1 200", "HUF"),
        ("台北早餐店\n統一編號 12345675\n便當   578\n合計   578元\n現金   578元", "TWD"),
        ("Ljekarna\nRačun\nVoda   15,08\nUKUPNO   15,08\nJIR: 77ab-1290", "EUR"),
    ],
)
def test_the_language_of_labels_and_fiscal_marks_tell_the_country(text: str, currency: str) -> None:
    found = read(f"{text}\n2026-08-20 09:47").currency
    assert found is not None
    assert (found.value, found.confidence >= 0.93) == (currency, True)


def test_one_word_of_a_language_tells_no_country() -> None:
    found = read("CORNER SHOP\nMOMS APPLE PIE   12.50\nTOTAL   kr 12.50").currency
    assert found is None or found.confidence < 0.93


def test_a_phone_is_no_australian_postal_code() -> None:
    fields = read("Warung Bu Sari\nYogyakarta\nWA 0812-3456-7890\nMie Ayam   584.100\nTotal   584.100")
    assert fields.country is None or fields.country.value != "AU"


def test_a_language_of_several_countries_tells_their_currency_by_the_decimal_comma() -> None:
    day = "\n25/06/2026 19:47"
    found = read(f"Bäckerei\nSumme   4,74\ngegeben bar   5,00\nRückgeld   0,26{day}").currency
    unsure = read(f"Summe   4.74\ngegeben bar   5.00{day}").currency
    assert found is not None
    assert (found.value, found.confidence >= 0.93) == ("EUR", True)
    assert unsure is None or unsure.confidence < 0.93


@pytest.mark.parametrize(
    "text",
    [
        "DEPANNEUR DU COIN\nPain   2,49\nSous-total   2,49\nTOTAL   2,49\nEspèces   10,00\nMerci de votre visite",
        "CAFE ATLAS\nBd Mohammed V, Casablanca\nThé   85,00\nTVA 10%  7,73\nTOTAL TTC   85,00\nEspèces   85,00",
        "KEDAI MAKAN ALI\nJalan Besar, Ipoh\nNasi   7.00\nJUMLAH   7.00\nTUNAI   10.00\nBAKI   3.00\nTERIMA KASIH",
        "LINELLA\nChisinau\nPaine   27,50\nTOTAL LEI   27,50\nNUMERAR   30,00\nREST   2,50\nVA MULTUMIM",
        "LOJA MAPUTO\nPao   27,50\nTOTAL   27,50\nNumerario   30,00\nTroco   2,50\nNIF 400123\nObrigado pela visita",
        "LOJA LUANDA\nQtd 1 Pao   250,00\nTOTAL   250,00\nTroco   0,00\nConsumidor final\nCartao de credito   250,00",
        "SUPERMARKT TULIP\nParamaribo\nBrood   27,50\nTOTAAL   27,50\nCONTANT   30,00\nWISSELGELD   2,50\nBEDANKT",
    ],
)
def test_a_language_that_countries_with_different_currencies_write_makes_none_sure(text: str) -> None:
    """French in Montréal and Casablanca, Malay beside Indonesian, Romanian in Moldova, Portuguese in Africa, Dutch."""
    found = read(f"{text}\n14/05/2026 17:22").currency
    assert found is None or found.confidence < 0.93


@pytest.mark.parametrize(("day", "currency"), [("14.03.2024", "BGN"), ("14.03.2026", "EUR")])
def test_a_country_that_changed_to_the_euro_has_the_currency_of_the_day(day: str, currency: str) -> None:
    text = "Роза Маркет ЕООД\nЕИК 123456789\nДата: {} 10:11\nХляб   12,50\nОБЩА СУМА   12,50\nВ БРОЙ   12,50"
    found = read(text.format(day)).currency
    assert found is not None
    assert (found.value, found.confidence >= 0.93) == (currency, True)


def test_the_old_currency_beside_the_new_one_is_a_conversion() -> None:
    text = "Роза Маркет ЕООД\nЕИК 123456789\nДата: 14.03.2026 10:11\nХляб   12,50\n"
    text += "ОБЩА СУМА   12,50 EUR\nОБЩА СУМА   24,45 лв."
    fields = read(text)
    assert fields.total is not None
    assert fields.currency is not None
    assert (str(fields.total.value), fields.currency.value) == ("12.50", "EUR")


def test_a_state_is_read_with_a_nought_for_its_letter() -> None:
    fields = read("CORNER MARKET\n77 Elm Ave, Dayton, 0H 45402\n" + GOODS.format(item="EGGS") + "TOTAL   6.48")
    assert fields.currency is not None and fields.currency.value == "USD"


@pytest.mark.parametrize(
    ("line", "currency"),
    [
        ("614-555-0190", "USD"),
        ("(819) 555-0147", "CAD"),
        ("GST # R108156625", "CAD"),
        ("TPS 861204417RT TVQ 1022817714TQ", "CAD"),
        ("MA 6.25% TAX   0.34", "USD"),
        ("1200 WASHINGTON ST, NORWOOD, MA", "USD"),
        ("C.U.I.T. Nro.: 30-54808315-6", "ARS"),
        ("RFC: CC0-860523-1N4", "MXN"),
        ("UEN/GST REG No. : S83CS0191L", "SGD"),
        ("Timbre Electronico SII", "CLP"),
    ],
)
def test_a_dollar_is_settled_by_what_one_country_has(line: str, currency: str) -> None:
    fields = read(f"CORNER SHOP\n{line}\n2021-10-30 17:57\nTEA   $3.00\nCAKE   $2.50\nTOTAL   $5.50\nVISA   $5.50")
    assert fields.currency is not None
    assert fields.currency.value == currency
    assert fields.currency.confidence >= ACCEPT_CONFIDENCE


@pytest.mark.parametrize("line", ["664-555-0190", "031-555-0190", "REF 614-5550190"])
def test_numbers_that_are_no_phone_of_the_two_countries_settle_nothing(line: str) -> None:
    fields = read(f"CORNER SHOP\n{line}\n2021-10-30 17:57\nTEA   $3.00\nCAKE   $2.50\nTOTAL   $5.50\nVISA   $5.50")
    assert fields.currency is None


@pytest.mark.parametrize(("tax_number", "currency"), [("УНП 590844173", "BYN"), ("ИНН 7707083893", "RUB")])
def test_roubles_are_of_the_country_that_is_identified(tax_number: str, currency: str) -> None:
    goods = "Чай   3,00\nХлеб   2,50\nИТОГО руб.   5,50\nНаличными   10,00\nСдача   4,50"
    fields = read(f"ООО Кафе\n{tax_number}\n28.01.2024 19:05\n{goods}")
    assert fields.currency is not None
    assert fields.currency.value == currency


@pytest.mark.parametrize("line", ["TWINT   5.50", "Tel 041 870 55 15"])
def test_swiss_ways_to_pay_and_to_call_tell_francs(line: str) -> None:
    fields = read(f"Hofladen Sunnebüel\n{line}\n13.09.2025 10:02\nEier   3.00\nBrot   2.50\nSumme   5.50\nBar   5.50")
    assert fields.currency is not None
    assert fields.currency.value == "CHF"
