"""Each deciding field offers what else it may be: best first, the chosen value before the others, each with its place.

Results that were stored before there were any are still read.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
from receipt_words import read
from test_parse_golden import GOLDEN

from flows.domain.fields import ReceiptFields

TWO_TOTALS = """
CORNER SHOP LTD
12 High Street
London N1 2AB
Tea          4.00
Bread        6.00
TOTAL       10.00
TOTAL       12.00
03/04/2026 10:15
VALID UNTIL 01/12/2025
"""


def test_the_chosen_value_comes_first_and_others_share_what_it_leaves() -> None:
    fields = read(TWO_TOTALS)
    totals = fields.candidates["total"]
    assert totals[0] == fields.total
    assert {found.value for found in totals[:2]} == {Decimal("10.00"), Decimal("12.00")}
    assert all(found.bbox is not None and found.evidence for found in totals)
    for name in ("total", "purchase_date", "merchant"):
        assert sum(found.confidence for found in fields.candidates[name]) <= 1.01  # type: ignore[literal-required]


def test_a_day_that_was_ruled_out_can_still_be_chosen_by_a_person() -> None:
    days = [found.value for found in read(TWO_TOTALS).candidates["purchase_date"]]
    assert days[0] == dt.date(2026, 4, 3)
    assert {dt.date(2026, 3, 4), dt.date(2025, 12, 1)} <= set(days)
    lone = read("SHOP LTD\nTea 4.00\nTotal 4.00\nVALID UNTIL 01/12/2025")
    assert lone.purchase_date is None
    assert lone.candidates["purchase_date"][0].value == dt.date(2025, 12, 1)


def test_a_symbol_of_several_currencies_offers_each() -> None:
    fields = read("CORNER SHOP\nTea   $4.00\nTOTAL   $4.00\n03/04/2026")
    assert fields.currency is None
    offered = fields.candidates["currency"]
    assert [found.value for found in offered[:2]] == ["USD", "CAD"]
    assert offered[0].bbox is not None


def test_nothing_to_read_offers_nothing() -> None:
    fields = read("~~~~")
    assert {name: list(found) for name, found in fields.candidates.items() if found} == {}  # type: ignore[call-overload]


@pytest.mark.parametrize("golden", GOLDEN.values(), ids=GOLDEN.keys())
def test_the_fields_survive_being_stored(golden: object) -> None:
    fields = read(golden.text)  # type: ignore[attr-defined]
    assert fields.candidates["total"][0] == fields.total
    assert ReceiptFields.model_validate_json(fields.model_dump_json()) == fields


def test_results_of_earlier_versions_are_read() -> None:
    stored = json.loads(read(TWO_TOTALS).model_dump_json())
    del stored["candidates"], stored["amounts"]
    fields = ReceiptFields.model_validate(stored)
    assert fields.total is not None and fields.candidates == {} and fields.amounts == {}
