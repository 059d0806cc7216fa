"""What the parser knows of CLDR is what the installed Babel has, and Babel is asked for no language while it reads."""

from __future__ import annotations

import subprocess
import sys

from flows.reading.parser import cldr
from flows.reading.parser.write_cldr import text

_READ = """
import datetime as dt
from babel import localedata
from flows.domain.fields import BBox, DocumentText, Page, Word
from flows.reading.parser import parse_receipt
lines = ("ЧЕК ПРОДАЖИ МАГАЗИН", "ул. Советская 12 Минск", "12.11.2026 13:17", "ХЛЕБ 2,40", "ИТОГО К ОПЛАТЕ 12,50")
words = tuple(Word(text=line, confidence=0.9, bbox=BBox(10, 30 * n, 300, 30 * n + 20)) for n, line in enumerate(lines))
page = Page(number=1, width=320, height=400, words=words)
text = DocumentText(sha256="0" * 64, media_type="image/jpeg", engine="t", engine_version="1", pages=(page,))
parse_receipt(text, today=dt.date(2026, 11, 30))
print(len(localedata._cache))
"""


def test_the_file_is_what_babel_says() -> None:
    assert cldr.PLACE.read_text(encoding="utf-8") == text(), "make cldr"


def test_reading_loads_no_locales_but_that_of_the_territories() -> None:
    done = subprocess.run([sys.executable, "-c", _READ], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) <= 2  # English, and what it inherits from
