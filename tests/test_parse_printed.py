"""Single values as they are printed or typed mean what they mean on their receipt."""

from __future__ import annotations

import datetime as dt

import pytest

from flows.domain.fields import BBox, Found, Page, ReceiptFields, Word
from flows.reading.parser import date_in, printed_values, values_by_field

TODAY = dt.date(2026, 11, 30)


def of(country: str | None = None, currency: str | None = None) -> ReceiptFields:
    return ReceiptFields(
        parser_version="7",
        country=Found(value=country, confidence=0.9) if country else None,
        currency=Found(value=currency, confidence=0.9) if currency else None,
    )


def page(*lines: str) -> Page:
    words = tuple(
        Word(text=line, confidence=0.9, bbox=BBox(0, 40 * n, 10 * len(line), 40 * n + 30))
        for n, line in enumerate(lines)
    )
    return Page(number=1, width=500, height=900, words=words)


@pytest.mark.parametrize(
    ("text", "country", "day"),
    [
        ("2026-05-04", None, "2026-05-04"),
        ("4.5.26", None, "2026-05-04"),
        ("04/05/2026", "DE", "2026-05-04"),
        ("04/05/2026", "US", "2026-04-05"),
        ("13/05/2026", None, "2026-05-13"),
        ("04/05/2026", None, None),  # nothing tells which it is
        ("May 4 2026", None, "2026-05-04"),
        ("2026-02-31", None, None),
        ("4.5.3026", None, None),
        ("4.5.26 or so", None, None),
        ("", None, None),
    ],
)
def test_a_typed_day_is_understood_or_left_to_be_refused(text: str, country: str | None, day: str | None) -> None:
    found = date_in(text, of(country), today=TODAY)
    assert (found and found.isoformat()) == day


def test_values_are_told_with_their_places() -> None:
    found = printed_values((page("Datum 04.05.2026 12:01", "2 x 4,50 9,00"),), None, today=TODAY)
    assert [str(one.value) for one in found] == ["2026-05-04", "4.50", "9.00"]
    assert found[2].bbox.left > found[1].bbox.left and all(one.page == 1 for one in found)


def test_a_piece_gives_each_field_what_it_can_be() -> None:
    told = values_by_field(page("SUMME $ 19,46", "04/05/26"), of("CA", "CAD"), today=TODAY)
    assert (told["total"], told["currency"], told["merchant"]) == (["19.46"], ["CAD"], ["SUMME $ 19,46 04/05/26"])
    assert told["purchase_date"]
    assert values_by_field(page(), None, today=TODAY) == {
        "total": [],
        "purchase_date": [],
        "currency": [],
        "merchant": [],
    }
