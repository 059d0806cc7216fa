"""The list of brands: what it holds, and which names the first letters of one bring, in which order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployments.brand_list import write_list
from flows.reading.brands import PLACE, all_brands, name_key, suggest_merchants


def names(text: str, *own: str, **where: str) -> list[str]:
    return [one.name for one in suggest_merchants(text, own, **where)]


def test_the_list_is_small_has_its_licence_beside_it_and_only_names_that_can_be_typed() -> None:
    assert Path(str(PLACE)).stat().st_size < 600_000
    assert "BSD 3-Clause" in Path(str(PLACE)).with_name("LICENSE.txt").read_text()
    brands = all_brands()
    assert len(brands) > 10_000
    assert all(len(brand.keys[0]) >= 2 and brand.keys[0] == name_key(brand.name) for brand in brands)
    assert all(len(code) == 2 and code.isupper() for brand in brands for code in brand.countries)


@pytest.mark.parametrize(("text", "where", "first"), [
    ("lid", {"country": "DE"}, "Lidl"),
    ("coo", {"country": "CH"}, "Coop"),
    ("mig", {"currency": "CHF"}, "Migrol"),
    ("евро", {"country": "BY"}, "Евроопт"),
    ("семей", {"currency": "RUB"}, "Семейная"),
])  # fmt: skip
def test_letters_bring_the_brands_of_the_place_first(text: str, where: dict[str, str], first: str) -> None:
    found = names(text, **where)
    assert found[0] == first
    assert len(found) <= 8 and len(set(map(name_key, found))) == len(found)


def test_the_owners_merchants_come_before_brands_and_once() -> None:
    assert names("lid", "Corner Shop", "LIDL", "Lido Bar", country="DE")[:2] == ["LIDL", "Lido Bar"]
    assert sum(name_key(one) == "lidl" for one in names("lid", "LIDL")) == 1
    assert [one.source for one in suggest_merchants("lid", ["LIDL"], country="DE")][:2] == ["books", "brands"]


def test_a_later_word_is_enough_and_accents_and_marks_do_not_matter() -> None:
    assert names("alpha", "Café Alpha")[0] == "Café Alpha"
    assert names("cafe alp", "Café Alpha")[0] == "Café Alpha"
    assert "Domino's" in names("dominos")


def test_nothing_typed_brings_the_owners_merchants_and_nothing_known_nothing() -> None:
    assert names("", "A", "B") == ["A", "B"]
    assert names(" .", "A") == ["A"]
    assert names("zzqx", "A") == []


def test_the_list_is_made_of_places_that_hand_out_receipts(tmp_path: Path) -> None:
    def item(name: str, place: str, **tags: str) -> dict[str, object]:
        return {"displayName": name, "locationSet": {"include": [place]}, "tags": {"name": name, "brand": name} | tags}

    listed = {
        "_meta": {"version": "1"},
        "nsi": {
            "brands/shop/supermarket": {"items": [item("Zeta", "fx"), item("Alpha", "gb-eng", brand="Alpha Stores")]},
            "brands/shop/shoes": {"items": [item("zeta", "us-ca.geojson"), item("Beta", "001")]},
            "brands/amenity/atm": {"items": [item("Cash", "de")]},
            "operators/amenity/cafe": {"items": [item("Operator", "de")]},
            "brands/shop/money_lender": {"items": [item("Lender", "de")]},
        },
    }
    (tmp_path / "dist/json").mkdir(parents=True)
    (tmp_path / "dist/json/nsi.json").write_text(json.dumps(listed))
    (tmp_path / "LICENSE.md").write_text("terms")
    write_list(tmp_path, tmp_path / "brands.json")
    assert json.loads((tmp_path / "brands.json").read_text())["brands"] == [
        ["Alpha", "GB", 1, "Alpha Stores"],
        ["Alpha Stores", "GB", 1, "Alpha"],
        ["Beta", "", 0],
        ["Zeta", "FR US", 1],
    ]
    assert (tmp_path / "LICENSE.txt").read_text() == "terms"
