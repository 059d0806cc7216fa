"""The pages' German: every text has one, with the same parts, and what is installed is what was translated."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import Any

from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from deployments.gateway.web.reasons import reason_told
from deployments.gateway.web.sentences import told
from deployments.gateway.web.templates import money
from deployments.gateway.web.texts import choose_language, locale_of
from flows.domain.review_reasons import ReviewReason

ROOT = Path(__file__).parent.parent
WEB = ROOT / "deployments/gateway/web"
CATALOGUE = WEB / "locale/de/LC_MESSAGES/pages.po"


def _catalogue() -> Any:
    with CATALOGUE.open("rb") as file:
        return read_po(file)


def test_every_text_is_translated_and_no_other() -> None:
    found = {
        message if isinstance(message, str) else tuple(message)[:2]
        for _, _, message, _, _ in extract_from_dir(
            WEB,
            [("**.html", "jinja2"), ("**/sentences.py", "python"), ("**/reasons.py", "python")],
            {"**.html": {"extensions": "jinja2.ext.i18n"}},
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


def _as_said(call: ast.Call) -> Iterator[str]:
    """The messages that a call is given, with something at each place of an f-string."""
    left: list[ast.AST] = [*call.args, *(word.value for word in call.keywords)]
    while left:
        node = left.pop()
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "12" for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif not isinstance(node, ast.Call):
            left += ast.iter_child_nodes(node)


def test_what_routes_say_is_told_in_german() -> None:
    """Every sentence that a page's route tells after a form or refuses with; codes and addresses are no sentences."""
    calls = {"go_to", "RefusedError", "SignInError", "OpenIdRefusedError", "InvalidPersonError", "InvalidFilterError"}
    places = [*WEB.rglob("*.py"), WEB.parent / "services/openid.py", *(ROOT / "flows/ledger/access").glob("*.py")]
    said = {
        text
        for file in places
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in calls
        for text in _as_said(node)
        if " " in text.strip(" ;") and not text.startswith(("/", " "))
    }
    assert len(said) > 40
    # The first only the command line says; the other is put together, and told as it comes out, below.
    others = {"12 is disabled; `receiptflow people enable` lets them in again", "12 Not done: 12"}
    assert {text for text in said if told(text, "de") == text} == others


def test_what_an_accounting_program_would_refuse_is_told_in_german() -> None:
    said = {
        text.replace("12 goes to", "what has no category or payment method goes to")
        for file in (ROOT / "flows/exports").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ExpenseRefusedError"
        for text in _as_said(node)
    }
    assert len(said) >= 10
    assert {text for text in said if told(text, "de") == text} == set()
    assert "payment method" not in "".join(told(text, "de") for text in said)


def test_sentences_keep_what_stands_in_them() -> None:
    assert told("3 receipts are safe.", "de") == "3 Belege sind sicher."
    assert told("3 receipts are safe.", "en") == "3 receipts are safe."
    refused = "name: give 1 to 80 visible characters; something of which nobody has heard"
    assert told(refused, "de") == "Name: gib 1 bis 80 sichtbare Zeichen an; something of which nobody has heard"
    assert told("1 of 2 done. Not done: x; y", "de") == "1 von 2 erledigt. Nicht erledigt: x; y"
    assert told("", "de") == ""
    assert told("receipts are safe." * 10_000, "de").startswith("receipts")


def _texts_in(file: str) -> set[str]:
    """All that a module could say, with 12 at each place of an f-string."""
    texts, parts = set(), set()
    for node in ast.walk(ast.parse((ROOT / "flows/reading/parser" / file).read_text())):
        if isinstance(node, ast.JoinedStr):
            parts |= set(node.values)
            texts.add("".join(str(one.value) if isinstance(one, ast.Constant) else "12" for one in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts:
            texts.add(node.value)
    return texts


def test_reasons_for_a_person_are_told_in_german() -> None:
    """Every reason that there is; what fills one, and is a sentence itself, is told as well."""
    scenes = {text for text in _texts_in("scene.py") if text.startswith(("the page", "no amount", "there ", "it is "))}
    assert len(scenes) == 7
    money = {
        one for one in _texts_in("currency.py") if one.startswith(("no symbol", "the symbol", "the country looks"))
    }
    likely = {one for one in _texts_in("currency.py") if one.startswith(("symbol, and the ", "the country is 12,"))}
    assert len(money) == 3
    assert len(likely) == 3
    inside = {"NO_RECEIPT": scenes, "PAGES_DIFFER": scenes, "CURRENCY_NONE": money, "CURRENCY_LIKELY": money | likely}
    for reason in ReviewReason:
        for filled in inside.get(reason.name, {"12"}):
            given = {name: "12" for _, name, *_ in Formatter().parse(reason) if name}
            given |= dict.fromkeys(("why", "how", "evidence"), filled)
            if "field" in given:
                given["field"] = "total"
            text = reason.says(**given)
            german = reason_told(text, "de")
            *about, why = text.split(": ", 1)
            assert german != text
            assert not about or f"{about[0]}: " not in german, german
            assert why not in german, german
            assert filled == "12" or filled not in german, german


def test_reasons_name_fields_as_the_pages_do() -> None:
    several = "total: 1.20 is not a purchase; a refund needs a person; purchase_date: none was found"
    assert reason_told(several, "en") == several.replace("total:", "Total:").replace("purchase_date:", "Date:")
    assert reason_told(several, "de") == (
        "Summe: 1.20 ist kein Kauf; über eine Erstattung entscheidet ein Mensch; Datum: nicht gefunden"
    )
    same = "It seems to be the same purchase as receipt 7bde2748-b5e4-4ccb-9c76-ffd3de988f86."
    assert reason_told(same, "en") == "It seems to be the same purchase as receipt 7bde2748."
    assert reason_told("of a kind: that nobody knows", "de") == "of a kind: that nobody knows"
    assert reason_told(None, "de") == ""


def test_a_currencys_code_does_not_touch_the_figure() -> None:
    written = [money(Decimal("-28.7"), currency, locale=locale_of("en")) for currency in ("SGD", "EUR", "USD", "XYZ")]
    assert written == ["-SGD\N{NO-BREAK SPACE}28.70", "-€28.70", "-US$28.70", "-XYZ\N{NO-BREAK SPACE}28.70"]
    assert money(Decimal("28.7"), "SGD", locale=locale_of("de")) == "28,70\N{NO-BREAK SPACE}SGD"
