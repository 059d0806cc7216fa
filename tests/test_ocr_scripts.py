"""Pages in another script: told from blur, read by an installed language of it, or else for a person with the cure."""

from __future__ import annotations

from pathlib import Path

import pytest
from ocr_pages import jpeg, receipt
from PIL import Image, ImageDraw, ImageFont
from receipt_words import TODAY

from flows.reading.ocr import load_engine
from flows.reading.ocr.scripts import SCRIPTS, installed_languages
from flows.reading.parser import parse_receipt
from flows.reading.reader import Reader

LINES = (
    "ООО Северный двор", "г. Минск, ул. Лесная 14", "Кассовый чек", "15.04.2026 18:02", "Молоко пастеризованное 2,10",
    "Хлеб бородинский 1,35", "Сыр российский 12,40", "Печенье овсяное 3,15", "Яблоки сезонные 4,00",
    "Итого к оплате 23,00", "Наличными 25,00", "Сдача 2,00", "Спасибо за покупку",
)  # fmt: skip


def cyrillic() -> Image.Image:
    fonts = sorted(Path("/usr/share/fonts").rglob("DejaVuSans.ttf"))
    if not fonts:
        pytest.skip("no font with Cyrillic letters is installed")
    page = Image.new("RGB", (700, 60 + 56 * len(LINES)), "white")
    font = ImageFont.truetype(str(fonts[0]), 32)
    for number, line in enumerate(LINES):
        ImageDraw.Draw(page).text((30, 30 + 56 * number), line, fill="black", font=font)
    return page


def test_latin_print_has_no_unread_lines() -> None:
    assert load_engine("rapidocr").read(receipt()).unread == 0


def test_a_page_of_another_script_is_read_or_says_what_would_read_it() -> None:
    text = Reader().extract(jpeg(cyrillic()))
    fields = parse_receipt(text, today=TODAY)
    if {"osd", "rus"} <= set(installed_languages()):
        assert "Итого" in " ".join(word.text for word in text.pages[0].words)
        assert fields.total is not None and str(fields.total.value) == "23.00"
    else:
        assert fields.decision == "review"
        assert any("tesseract-ocr-rus" in reason for reason in fields.reasons)


def test_every_language_belongs_to_one_script() -> None:
    languages = [name for names, _ in SCRIPTS.values() for name in names]
    assert len(languages) == len(set(languages))
