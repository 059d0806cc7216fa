"""The pages' German: every text has one, with the same parts, and what is installed is what was translated."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from deployments.gateway.web.texts import choose_language

WEB = Path(__file__).parent.parent / "deployments/gateway/web"
CATALOGUE = WEB / "locale/de/LC_MESSAGES/pages.po"


def _catalogue() -> Any:
    with CATALOGUE.open("rb") as file:
        return read_po(file)


def test_every_text_is_translated_and_no_other() -> None:
    found = {
        message if isinstance(message, str) else tuple(message)[:2]
        for _, _, message, _, _ in extract_from_dir(
            WEB, [("**.html", "jinja2")], {"**.html": {"extensions": "jinja2.ext.i18n"}}
        )
    }
    kept = {entry.id if isinstance(entry.id, str) else tuple(entry.id) for entry in _catalogue() if entry.id}
    assert found == kept


def test_translations_have_the_same_parts() -> None:
    wrong = [(entry.id, str(error)) for entry in _catalogue() if entry.id for error in entry.check()]
    assert wrong == []
    assert [entry.id for entry in _catalogue() if entry.id and (not entry.string or entry.fuzzy)] == []


def test_what_is_installed_is_what_was_translated() -> None:
    compiled = io.BytesIO()
    write_mo(compiled, _catalogue())
    assert CATALOGUE.with_suffix(".mo").read_bytes() == compiled.getvalue(), "make texts"


def test_the_language_is_the_persons_else_the_browsers() -> None:
    assert choose_language("de", "en") == "de"
    assert choose_language(None, "de-AT,en;q=0.5") == "de"
    assert choose_language("xx", "fr, de;q=0.3") == "de"
    assert choose_language(None, "tlh, \x00, ;;q=, *") == "en"
