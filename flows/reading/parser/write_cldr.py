"""Writes flows/reading/parser/cldr.json: what the parser asks of Unicode's CLDR, as the installed Babel has it.

    python -m flows.reading.parser.write_cldr

Babel reads a locale whole and keeps it: the months of the parser's languages were 33 MB in every process that reads,
and the scripts of the world's languages 43 MB more. Here they are a file of 20 KB. `make cldr` runs this;
`tests/test_parse_cldr.py` compares the file with the installed Babel.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.languages import get_official_languages

from flows.reading.parser import cldr
from flows.reading.parser.dates import LANGUAGES


def main() -> None:
    """Write the file and say how large it is."""
    path = Path(str(cldr.PLACE))
    path.write_text(text(), encoding="utf-8")
    print(f"{path.name}: {path.stat().st_size} bytes")


def text() -> str:
    """The file as it is to be."""
    tables: dict[str, dict[str, Any]] = {"months": {one: _months(one) for one in LANGUAGES}, "names": _names()}
    parts = (
        f'"{part}": {{\n' + ",\n".join(f'"{key}": {_compact(value)}' for key, value in table.items()) + "\n}"
        for part, table in tables.items()
    )
    return "{" + ",\n".join(parts) + "}\n"


def _months(language: str) -> list[list[Any]]:
    """Names and abbreviations, within a date and alone, each with the month's number and whether it is in full."""
    months: Any = Locale.parse(language).months
    rows = (
        (name, number, width == "wide")
        for context in ("format", "stand-alone")
        for width in ("wide", "abbreviated")
        for number, name in months[context][width].items()
    )
    return [list(row) for row in dict.fromkeys(rows)]


def _names() -> dict[str, str]:
    """The names of all official languages in themselves, which tell their script; empty where it is not known."""
    places = [code for code in map(str, Locale("en").territories) if len(code) == 2]
    languages = sorted({language for place in places for language in get_official_languages(place)})
    return {language: name for language in languages if (name := _own_name(language))}


def _own_name(language: str) -> str:
    try:
        return str(Locale.parse(language).display_name or "")
    except (UnknownLocaleError, ValueError):
        return ""


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main()
