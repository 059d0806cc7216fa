"""A merchant is known again by its marks, however they are printed; what anybody's receipt may print is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_helpers import found, some_fields

from flows.domain.fields import Check, Found, ReceiptFields
from flows.learning import Identity, KnownRule, are_variants, identities_of, with_choices


def marks(text: str = "", merchant: str | None = None, **fields: str) -> list[Identity]:
    reading = ReceiptFields(
        parser_version="1",
        merchant=found(merchant) if merchant else None,
        **{name: found(value) for name, value in fields.items()},
    )
    return list(identities_of(reading, text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"merchant_tax_id": "CHE-116.281.710 MWST"}, {"merchant_tax_id": "che116281710"}),
        ({"merchant_phone": "+41 44 123 45 67"}, {"merchant_phone": "(044) 123-4567"}),
        ({"text": "besuchen Sie WWW.Markt-Am-Eck.de"}, {"text": "info@markt-am-eck.de"}),
        ({"text": "shop.markt.com.my"}, {"text": "www, markt.com.my/agb".replace(", ", ".")}),
        ({"merchant_address": "Bahnhofstr. 12, 8001 Zürich"}, {"merchant_address": "BAHNHOFSTR 12, 8001 Zurich"}),
        ({"merchant": "Markt am Eck"}, {"merchant": "MARKT-AM-ECK."}),
    ],
)
def test_the_same_mark_printed_otherwise_is_the_same(one: dict[str, str], other: dict[str, str]) -> None:
    assert marks(**one) == marks(**other) != []


@pytest.mark.parametrize(
    "given",
    [
        {"text": "inv.no 12 tel.nr 4 total.eur mwst.nr"},
        {"text": "anna@gmail.com sumup.com www.paypal.com"},
        {"merchant_tax_id": "1234567"},
        {"merchant_phone": "110"},
        {"merchant_address": "Am Markt, Zürich"},
        {"merchant_address": "8001 Zürich"},
        {"merchant": "A."},
    ],
)
def test_what_tells_no_merchant_is_no_mark(given: dict[str, str]) -> None:
    assert marks(**given) == []


@given(st.text(max_size=300), st.text(max_size=60))
def test_any_words_give_marks_that_are_the_same_each_time(text: str, name: str) -> None:
    assert marks(text, merchant=name or "x", merchant_address=text) == marks(
        text, merchant=name or "x", merchant_address=text
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Aldi", "ALDI SÜD", True),
        ("Café Central", "Cafe Centra1", True),
        ("Aldi", "Lidl", False),
        ("Bershka", "Pull&Bear", False),
    ],
)
def test_spellings_of_one_name_are_told_from_other_names(one: str, other: str, same: bool) -> None:
    assert are_variants(one, other) is same


PHONE = KnownRule(7, "phone", "Aldi", "named by anna on 2026-11-29 (rule 7, known by its phone number)")
NAME = KnownRule(3, "name", "Lidl", "because")


def test_the_surest_mark_names_it_and_says_why() -> None:
    chosen = with_choices(some_fields(merchant="ALD1"), [NAME, PHONE])
    assert chosen.merchant is not None
    assert (chosen.merchant.value, chosen.merchant.confidence) == ("Aldi", 0.99)
    (choice,) = chosen.choices
    assert (choice.field, choice.value, choice.machine, choice.rule, choice.why) == (
        *("merchant", "Aldi", "ALD1", 7),
        PHONE.why,
    )


def test_a_receipt_in_doubt_for_its_name_alone_is_accepted() -> None:
    check = Check(name="merchant_name", held=False, detail="check the name: ALD1 is only likely")
    doubted = some_fields().model_copy(
        update={"decision": "review", "reasons": ("merchant: nothing else supports ALD1",), "checks": (check,)}
    )
    accepted = with_choices(doubted, [PHONE])
    assert (accepted.decision, accepted.reasons, accepted.checks) == ("accept", (), ())
    twice = doubted.model_copy(update={"reasons": (*doubted.reasons, "total: two totals fit: 1 and 2")})
    assert with_choices(twice, [PHONE]).decision == "review"
    unexplained = doubted.model_copy(update={"reasons": ()})
    assert with_choices(unexplained, [PHONE]).decision == "review"


def test_where_no_name_was_read_a_rule_gives_one_and_a_category() -> None:
    chosen = with_choices(
        some_fields(merchant=None), [PHONE], [KnownRule(9, "merchant", "Groceries", "chosen by anna")]
    )
    assert chosen.category == Found[str](value="Groceries", confidence=0.9)
    assert [choice.machine for choice in chosen.choices] == [None, None]
    assert with_choices(some_fields(), []) == some_fields()


def test_of_two_spellings_that_of_the_printed_name_counts() -> None:
    of_print = KnownRule(3, "name", "Aldi Nord", "because")
    chosen = with_choices(some_fields(), [of_print, PHONE])
    assert chosen.merchant is not None
    assert chosen.merchant.value == "Aldi Nord"
