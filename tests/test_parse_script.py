"""Receipts in Cyrillic that were read as Latin letters, and what a script says of a date and of the money."""

from __future__ import annotations

import datetime as dt

import pytest
from receipt_words import read

from flows.domain.fields import BBox, Page, Word
from flows.reading.parser.misread_cyrillic import with_cyrillic
from flows.reading.parser.script import countries_writing, main_script

# As the default engine reads print in Cyrillic: И and П as N or H, Г as T, Л as N, Д as A, Ч as Y or 4.
MISREAD = """000 "CeBepHbIM ABOP"
KACCA:0001 CMEHA:000652
YHN:790175600
TePMHHan 7
06/04/2021 11:55
Mon0KO          =0.69
XNe6            =1.49
NTOO K ONNATE   =2.18
CHACH60 3A NOKYNKY
"""


def as_page(*texts: str) -> Page:
    words = [Word(text=text, confidence=0.9, bbox=BBox(0, 20 * n, 200, 20 * n + 15)) for n, text in enumerate(texts)]
    return Page(number=1, width=300, height=400, words=tuple(words))


def test_labels_and_a_tax_number_read_as_latin_letters_count_and_a_person_decides() -> None:
    fields = read(MISREAD)
    assert fields.total is not None and str(fields.total.value) == "2.18"
    assert fields.currency is not None and fields.currency.value == "BYN"
    assert fields.country is not None and fields.country.value == "BY"
    assert fields.purchase_date is not None and fields.purchase_date.value == dt.date(2021, 4, 6)
    assert fields.decision == "review"
    assert "tesseract-ocr-rus" in fields.reasons[0]


def test_where_no_country_is_named_the_money_of_the_script_is_offered() -> None:
    fields = read(MISREAD.replace("YHN:790175600\n", ""))
    assert fields.currency is None
    assert {"BYN", "RUB", "UAH"} <= {str(one.value) for one in fields.candidates["currency"]}
    assert fields.purchase_date is not None and fields.purchase_date.value == dt.date(2021, 4, 6)  # no month first


@pytest.mark.parametrize("latin", [
    ("KAPTON CAFE", "TOTAL 12.00", "CASH 12.00"), ("Carta de vinos", "Documento 12", "Cambio 3,00"),
    ("KOKOMO MARKET", "THANK YOU", "COME AGAIN"), ("KACCA 1", "TOTAL 2.18"),  # one word may be a name
    ("КАССА 1", "ONNATE 2.18", "KACCA"),  # an engine that knows the letters read it
])  # fmt: skip
def test_other_pages_stay_as_they_were_read(latin: tuple[str, ...]) -> None:
    page = as_page(*latin)
    assert with_cyrillic([page]) == ((page,), 0)


def test_only_words_of_receipts_are_put_back_in_their_case_and_place() -> None:
    (page,), lines = with_cyrillic([as_page("KACCA:0001 KOXOHOBA", "#TepMHan k7 *", "ONNATE =2.18")])
    assert [word.text for word in page.words] == ["КАССА:0001 KOXOHOBA", "#терминал k7 *", "ОПЛАТЕ =2.18"]
    assert lines == 3


def test_a_script_is_that_of_many_letters_and_a_brand_is_none() -> None:
    assert main_script(["Итого к оплате", "TOTAL"]) == "CYRILLIC"
    assert main_script(["Ταβέρνα Ο Γιάννης"]) == "GREEK"
    assert main_script(["רחוב הרצל 12 תל אביב"]) == "HEBREW"
    assert main_script(["Кофе Хауз", "THANK YOU FOR SHOPPING"]) is None
    assert {"BY", "RU", "UA", "BG"} <= set(countries_writing("CYRILLIC")) and "US" not in countries_writing("CYRILLIC")


@pytest.mark.parametrize(("printed", "merchant"), [
    ('000 "Северный двор"\nг. Тверь, ул. Садовая 14\nКассовый чек\n15.04.2026 18:02\nИтого  359.00', "Северный двор"),
    ('רחוב הרצל 12 תל אביב\nמכולת השכונה\n14/05/2026 18:22\nסה"כ לתשלום  41.30 ₪\nאשראי  41.30', "מכולת השכונה"),
    ("مخبز النخيل\nشارع الملك فهد الرياض\n15/04/2026 18:02\nالإجمالي  35.00\nنقدا  40.00", "مخبز النخيل"),
    ("ร้านอาหารสวนดอกไม้\n88 ถนนสุขุมวิท กรุงเทพฯ\nวันที่ 15/04/2569\nรวมทั้งสิ้น  350.00\nเงินสด  400.00", "ร้านอาหารสวนดอกไม้"),
    ("शर्मा किराना दुकान\nगांधी मार्ग, इंदौर\nदिनांक 15/04/2026\nकुल योग  350.00\nनकद  400.00", "शर्मा किराना दुकान"),
])  # fmt: skip
def test_a_street_is_no_name_in_any_script_and_labels_with_vowel_signs_are_read(printed: str, merchant: str) -> None:
    fields = read(printed)
    assert fields.merchant is not None and merchant in fields.merchant.value
    assert fields.total is not None and f"  {fields.total.value}" in printed
    assert fields.total.evidence.startswith(("Итого", "סה", "الإجمالي", "รวมทั้งสิ้น", "कुल"))


def test_noughts_before_a_cyrillic_name_are_its_legal_form_and_others_stay() -> None:
    page = as_page('000 "Евроторг"', "000 Тройка", "1 000 руб", "00012 Молоко", "Итого 1.000 шт")
    ((put_back,), lines) = with_cyrillic([page])
    assert [word.text for word in put_back.words] == [
        'ООО "Евроторг"', "ООО Тройка", "1 000 руб", "00012 Молоко", "Итого 1.000 шт",
    ]  # fmt: skip
    assert lines == 0
