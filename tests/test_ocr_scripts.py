"""Pages in another script: told from blur, read by an installed language of it, or else for a person with the cure.

Each script's receipt is drawn with a Debian font of it. CI installs fonts and languages; elsewhere a script is passed
over where one of them is missing.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from export_programs import DEBIAN_PROGRAMS
from ocr_pages import jpeg, receipt
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from rapidfuzz.distance import Levenshtein
from receipt_words import TODAY

from flows.domain.fields import DocumentText, ReceiptFields
from flows.reading.ocr import load_engine
from flows.reading.ocr.engine import OcrPage
from flows.reading.ocr.rapid import RapidEngine
from flows.reading.ocr.scripts import SCRIPTS, AnyScript, installed_languages
from flows.reading.parser import parse_receipt
from flows.reading.reader import Reader


@dataclass(frozen=True)
class Printed:
    """A receipt in a script: its font, what is printed, and whose it is; two spaces part columns."""

    font: str
    text: str
    merchant: str
    total: Decimal
    currency: str | None

    @property
    def lines(self) -> list[str]:
        return self.text.strip("\n").split("\n")


RECEIPTS = {
    "rus": Printed("DejaVuSans.ttf", """
ООО "Северный двор"
г. Минск, ул. Лесная 14
УНП 790175601
Кассовый чек
15.04.2026 18:02
Молоко пастеризованное  2,10
Хлеб бородинский  1,35
Сыр российский  12,40
Печенье овсяное  3,15
Яблоки сезонные  4,00
Итого к оплате  23,00
Наличными  25,00
Сдача  2,00
Спасибо за покупку""", 'ООО "Северный двор"', Decimal(23), "BYN"),
    "ell": Printed("DejaVuSans.ttf", """
Φούρνος Ο Ήλιος
Οδός Ερμού 14, Αθήνα
ΑΦΜ 099345678
15/04/2026 18:02
Ψωμί ολικής  2,10
Κουλούρι σουσάμι  1,35
Τυρόπιτα χωριάτικη  16,40
Καφές φίλτρου  3,15
Σύνολο  23,00 €
Μετρητά  25,00
Ρέστα  2,00
Ευχαριστούμε πολύ""", "Φούρνος Ο Ήλιος", Decimal(23), "EUR"),
    "heb": Printed("DejaVuSans.ttf", """
מאפיית הגליל
רחוב הרצל 12, חיפה
15/04/2026 18:02
לחם מלא  8.10
עוגיות שוקולד  12.50
בורקס גבינה  14.40
סה"כ לתשלום  35.00 ₪
מזומן  40.00
עודף  5.00
תודה ולהתראות""", "מאפיית הגליל", Decimal(35), "ILS"),
    "ara": Printed("DejaVuSans.ttf", """
مخبز النخيل
شارع الملك فهد، الرياض
15/04/2026 18:02
خبز أسمر  8.10
كعك بالتمر  12.50
فطيرة جبن  14.40
الإجمالي  35.00
نقدا  40.00
شكرا لزيارتكم""", "مخبز النخيل", Decimal(35), None),
    "kor": Printed("NanumGothic.ttf", """
행복마트 역삼점
서울 강남구 테헤란로 123
사업자번호 123-45-67890
2026-04-15 18:02
신라면 다섯입  4,100
바나나우유  1,700
삼각김밥  1,100
합계  6,900
신용카드  6,900
감사합니다""", "행복마트 역삼점", Decimal(6900), "KRW"),
    "tha": Printed("Loma.ttf", """
ร้านอาหารสวนดอกไม้
88 ถนนสุขุมวิท กรุงเทพฯ
TAX ID 0105555012345
วันที่ 15/04/2569 เวลา 18:02
ต้มยำกุ้ง  220.00
ข้าวผัด  90.00
น้ำเปล่า  40.00
รวมทั้งสิ้น  350.00
เงินสด  400.00
เงินทอน  50.00""", "ร้านอาหารสวนดอกไม้", Decimal(350), "THB"),
    "hin": Printed("Lohit-Devanagari.ttf", """
शर्मा किराना दुकान
गांधी मार्ग, इंदौर
दिनांक 15/04/2026 18:02
चावल बासमती  220.00
दाल अरहर  90.00
सरसों तेल  40.00
कुल योग  350.00
नकद  400.00
धन्यवाद""", "शर्मा किराना दुकान", Decimal(350), None),
}  # fmt: skip


def drawn(printed: Printed, *, paper: str = "white") -> Image.Image:
    fonts = sorted(Path("/usr/share/fonts").rglob(printed.font))
    if not fonts:
        missing(f"the font {printed.font}")
    page = Image.new("RGB", (760, 90 + 58 * len(printed.lines)), paper)
    font = ImageFont.truetype(str(fonts[0]), 32)
    pen = ImageDraw.Draw(page)
    for number, line in enumerate(printed.lines):
        label, _, amount = line.partition("  ")
        pen.text((30, 40 + 58 * number), label, fill="black", font=font)
        pen.text((730, 40 + 58 * number), amount, fill="black", font=font, anchor="ra")
    return page


def missing(what: str) -> None:
    if os.environ.get(DEBIAN_PROGRAMS):
        pytest.fail(f"{what} is not installed, though Debian's packages are to be had here")
    pytest.skip(f"{what} is not installed")


def needs(language: str) -> None:
    if language not in installed_languages():
        missing(f"tesseract-ocr-{language}")


def parsed(image: Image.Image) -> tuple[DocumentText, ReceiptFields]:
    text = Reader().extract(jpeg(image))
    return text, parse_receipt(text, today=TODAY)


@pytest.mark.parametrize("language", RECEIPTS)
def test_a_receipt_in_each_script_is_read(language: str) -> None:
    needs(language)
    printed = RECEIPTS[language]
    text, fields = parsed(drawn(printed))
    assert text.pages[0].unread_lines == 0
    assert fields.total is not None and fields.total.value == printed.total, fields.reasons
    assert fields.purchase_date is not None and fields.purchase_date.value == dt.date(2026, 4, 15)
    assert fields.merchant is not None
    assert alike(fields.merchant.value, printed.merchant) >= 0.9, fields.merchant.value
    assert printed.currency is None or (fields.currency is not None and fields.currency.value == printed.currency)


def test_without_the_language_a_person_is_told_what_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    page = drawn(RECEIPTS["rus"])
    monkeypatch.setattr("flows.reading.ocr.scripts.installed_languages", dict)
    load_engine.cache_clear()
    try:
        _, fields = parsed(page)
    finally:
        load_engine.cache_clear()
    assert fields.decision == "review"
    assert any("tesseract-ocr-rus" in reason for reason in fields.reasons)


def test_a_page_that_lies_upside_down_is_read_and_turned_alike() -> None:
    """The default engine knows no letter of it, and so not which way is up."""
    needs("heb")
    page = drawn(RECEIPTS["heb"])
    upright, turned = engine().read(page), engine().read(page.rotate(180))
    assert "לתשלום" in said(upright) and alike(said(turned), said(upright)) >= 0.97
    assert np.allclose(engine().upright(page.rotate(180)).matrix, turned.upright.matrix)


def test_a_part_is_read_in_the_language_of_its_page() -> None:
    needs("rus")
    page = drawn(RECEIPTS["rus"])
    line = next(word for word in engine().read(page).words if word.text.startswith("Итого"))
    (word, *others) = engine().read_part(page, line.bbox)
    assert (word.text, others) == ("Итого к оплате", [])


def test_latin_print_is_left_to_the_default_engine() -> None:
    """Sharp or too blurred to read, with every language at hand."""
    page = receipt()
    plain = load_engine("rapidocr").read(page)
    assert plain.unread == 0
    assert said(engine().read(page)) == said(plain)
    blurred = page.filter(ImageFilter.GaussianBlur(4))
    letters = [char for char in said(engine().read(blurred)) if char.isalpha()]
    assert all(unicodedata.name(char).startswith(("LATIN", "CJK")) for char in letters)


def test_data_is_found_in_a_folder_of_ones_own_and_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "env/share/tessdata"
    inside.mkdir(parents=True)
    for place in (tmp_path / "rus.traineddata", inside / "rus.traineddata", inside / "kat.traineddata"):
        place.touch()
    (tmp_path / "eng.traineddata").touch()  # Latin letters are the default engine's
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    found = installed_languages()
    assert (found["rus"], found["kat"]) == (str(tmp_path), str(inside))
    assert "eng" not in found


def test_every_language_belongs_to_one_script() -> None:
    languages = [name for names, _ in SCRIPTS.values() for name in names]
    assert len(languages) == len(set(languages))


def engine() -> AnyScript:
    """The default engine without the step before it, with the languages that are here."""
    return AnyScript(RapidEngine(), installed_languages())


def said(page: OcrPage) -> str:
    return " ".join(word.text for word in page.words)


def alike(one: str, other: str) -> float:
    return Levenshtein.normalized_similarity(*("".join(filter(str.isalnum, text.lower())) for text in (one, other)))
