"""Whatever the order of readings, corrections, decisions, repeats and crashes, the ledger is as a simple model says.

The model keeps plain copies: what was read, what is corrected, what is settled. An expense is the reading that counts,
with the corrections laid over it; its revision grows when and only when it changes; undo is the copy of before.
"""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from ledger_helpers import EXTRACTION, begun, claimed, count, found, gone, some_fields

from flows.domain.fields import LineItem, ReceiptFields
from flows.ledger.corrections import InvalidValuesError
from flows.ledger.database import Ledger
from flows.ledger.decisions import (
    Book,
    Decision,
    Dismiss,
    NothingToUndoError,
    Split,
    Undo,
    correct,
    decide,
    restore,
    review_item,
    void,
)
from flows.ledger.errors import FencedError, WrongStateError
from flows.ledger.receipts import get_receipt, record_expense, record_quarantine, record_review, show_receipt
from flows.ledger.schema import DismissReason, Via
from flows.ledger.values import Actor, Attempt

ANNA = Actor("anna", Via.CLI)
_AMOUNTS = st.sampled_from([Decimal("12.50"), Decimal("19.46"), Decimal("19.16"), Decimal(7)])
_NAMES = st.sampled_from(["Markt am Eck", "Markt am Platz", "Bäcker"])
_LINES = st.lists(st.sampled_from(["Brot", "Käse", "Wein"]), max_size=3)
_OF_THE_WHOLE = ("total", "tax", "tip")
_SHARED = ("merchant", "purchase_date", "currency")
_CONFIRMED = ("total", "purchase_date", "currency", "merchant")
_READINGS = st.fixed_dictionaries(
    {"merchant": st.none() | _NAMES, "total": _AMOUNTS, "tax": st.none() | _AMOUNTS, "line_items": _LINES}
)
_CORRECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "merchant": st.none() | _NAMES,
        "total": _AMOUNTS,
        "tax": st.none() | _AMOUNTS,
        "tip": st.none() | _AMOUNTS,
        "line_items/1/total": _AMOUNTS,
        "line_items": _LINES.map(lambda names: [{"description": name} for name in names]),
    },
)
_FIELDS = st.lists(st.sampled_from(["merchant", "total", "tax", "tip", "line_items", "line_items/1/total"]), max_size=2)


class CrashedError(Exception):
    """The process ends before its transaction is committed."""


@dataclass
class Model:
    """How a receipt stands, as one would keep it on paper."""

    state: str = "running"
    settled: str | None = None
    parts: int = 1
    counting: set[int] = field(default_factory=set)
    corrections: dict[int, dict[str, Any]] = field(default_factory=dict)

    def corrected(self, part: int) -> dict[str, Any]:
        return self.corrections.setdefault(part, {})


def _read(values: dict[str, Any], version: int, decision: str) -> ReceiptFields:
    lines = tuple(found(LineItem(description=name)) for name in values["line_items"])
    fields = some_fields(**{name: value for name, value in values.items() if name != "line_items"})
    changes = {"line_items": lines, "taxes": (), "decision": decision, "parser_version": str(version)}
    return fields.model_copy(update=changes)


class Machine(RuleBasedStateMachine):
    """Does anything to one receipt, and notes in the model what should have come of it."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger = ledger
        owner = f"o{uuid4().hex}"
        self.attempt = claimed(ledger, f"{owner}/1.jpg", uuid4().hex * 2)
        self.receipt_id = self.attempt.receipt_id
        self.model, self.undone = Model(), list[Model]()
        self.reads = 0
        self.base: dict[str, Any] | None = None  # what the expenses are made of
        self.newest: dict[str, Any] | None = None
        self.has_expenses = False
        self.revisions: dict[int, tuple[object, int]] = {}
        self.rows = 0

    # What a machine does.

    @rule(values=_READINGS, sure=st.booleans(), repeats=st.integers(0, 1), dies=st.booleans())
    def read(self, values: dict[str, Any], *, sure: bool, repeats: int, dies: bool) -> None:
        attempt = self._begin(dies=dies)
        self.reads += 1
        fields = _read(values, self.reads, "accept" if sure else "review")
        record = record_expense if sure else record_review
        for _ in range(1 + repeats):
            with self.ledger.session() as session:
                record(attempt, fields, EXTRACTION, session=session)
        keeps = self.model.settled is not None and self.has_expenses
        self.newest = values
        if sure or not keeps:
            self.base = values
        if self.model.settled is None:
            self.model.state, self.model.counting = ("expensed", {0}) if sure else ("review", set())
            self.has_expenses |= sure
        self._settle()

    @rule()
    def fail_to_read(self) -> None:
        attempt = self._begin()
        with self.ledger.session() as session:
            record_quarantine(attempt, "broken", session=session)
        if self.model.settled is None:
            self.model.state, self.model.counting = "quarantined", set()
            self.base = self.newest
        self._settle()

    def _begin(self, *, dies: bool = False) -> Attempt:
        if self.model.state != "running":
            self.attempt = begun(self.ledger, self.receipt_id, force=True)
        if dies:  # another process takes over; what the first still wants to write is refused
            late = self.attempt
            self.attempt = begun(self.ledger, self.receipt_id, process_is_gone=gone)
            with pytest.raises(FencedError), self.ledger.session() as session:
                record_review(late, _read({"line_items": []}, 0, "review"), EXTRACTION, session=session)
        return self.attempt

    def _settle(self) -> None:
        if self.model.settled:
            self.model.state = {"booked": "expensed", "dismissed": "dismissed"}[self.model.settled]

    # What a person does.

    @precondition(lambda self: self.newest)
    @rule(given=_CORRECTIONS, take_back=_FIELDS, crashes=st.booleans())
    def book(self, given: dict[str, Any], take_back: list[str], *, crashes: bool) -> None:
        after = copy.deepcopy(self.model)
        fits = self._correct(after, 0, given, take_back)
        self._confirm(after, "booked", set(range(after.parts)))
        self._decide(Book(given, take_back), after, fits=fits, crashes=crashes)

    @precondition(lambda self: self.newest)
    @rule(given=st.lists(_CORRECTIONS, min_size=2, max_size=3), total=_AMOUNTS, crashes=st.booleans())
    def split(self, given: list[dict[str, Any]], total: Decimal, *, crashes: bool) -> None:
        parts = [{"total": total} | part for part in given]
        after = copy.deepcopy(self.model)
        of = [part if part < after.parts else 0 for part in range(len(parts))]
        shared = [{name: value for name, value in after.corrected(one).items() if name in _SHARED} for one in of]
        whole = [before | given for before, given in zip(shared, parts, strict=True)]
        after.parts = len(whole)
        for part, values in enumerate(whole):
            self._take_back(after, part, [name for name in after.corrected(part) if name not in values])
        fits = all(self._correct(after, part, values, ()) for part, values in enumerate(whole))
        self._confirm(after, "booked", set(range(after.parts)))
        self._decide(Split(parts), after, fits=fits, crashes=crashes)

    @precondition(lambda self: self.newest)
    @rule(reason=st.sampled_from([DismissReason.NOT_MINE, DismissReason.NOT_A_RECEIPT]), crashes=st.booleans())
    def dismiss(self, reason: DismissReason, *, crashes: bool) -> None:
        after = copy.deepcopy(self.model)
        after.state, after.settled, after.counting = "dismissed", "dismissed", set()
        self._decide(Dismiss(reason), after, fits=True, crashes=crashes, always=True)

    @precondition(lambda self: self.newest)
    @rule()
    def undo(self) -> None:
        with self.ledger.session() as session:
            if not self.undone:
                with pytest.raises(NothingToUndoError):
                    decide(self.receipt_id, Undo(), ANNA, session=session)
                return
            decide(self.receipt_id, Undo(), ANNA, session=session)
        self.model = self.undone.pop()
        self._choose_base()

    @precondition(lambda self: self.revisions)
    @rule(part=st.integers(0, 2), given=_CORRECTIONS, take_back=_FIELDS)
    def correct(self, part: int, given: dict[str, Any], take_back: list[str]) -> None:
        if (public_id := self._public_id(part)) is None:
            return
        after = copy.deepcopy(self.model)
        fits = self._correct(after, part, given, take_back) and part in after.counting
        after.settled = "booked"
        with self.ledger.session() as session:
            if not fits or self._values(after, part)["total"] is None:
                with pytest.raises((InvalidValuesError, WrongStateError)):
                    correct(public_id, given, ANNA, take_back=take_back, session=session)
                return
            changed = correct(public_id, given, ANNA, take_back=take_back, session=session).changed
        self._note(after, changed=changed)

    @precondition(lambda self: self.revisions)
    @rule(part=st.integers(0, 2))
    def void(self, part: int) -> None:
        if (public_id := self._public_id(part)) is None:
            return
        with self.ledger.session() as session:
            changed = void(public_id, "not ours", ANNA, session=session).changed
        assert changed == (part in self.model.counting)
        if changed:
            after = copy.deepcopy(self.model)
            after.counting.discard(part)
            after.settled = "booked" if after.counting else "dismissed"
            after.state = "expensed" if after.counting else "dismissed"
            self._note(after, changed=True)

    @precondition(lambda self: self.revisions)
    @rule(part=st.integers(0, 2))
    def restore(self, part: int) -> None:
        if (public_id := self._public_id(part)) is None:
            return
        counts = part in self.model.counting
        with self.ledger.session() as session:
            if not counts and (self.model.settled is None or part >= self.model.parts):
                with pytest.raises(WrongStateError):
                    restore(public_id, ANNA, session=session)
                return
            changed = restore(public_id, ANNA, session=session).changed
        assert changed != counts
        if changed:
            after = copy.deepcopy(self.model)
            after.counting.add(part)
            after.settled, after.state = "booked", "expensed"
            self._note(after, changed=True)

    # The model's arithmetic.

    def _correct(self, after: Model, part: int, given: dict[str, Any], take_back: Any) -> bool:
        """Lay values and ends over the model; False if there is no such line."""
        corrected = after.corrected(part)
        self._take_back(after, part, take_back)
        fresh = {name: value for name, value in given.items() if name not in corrected or corrected[name] != value}
        if "line_items" in fresh and "line_items/1/total" in given:
            fresh["line_items/1/total"] = given["line_items/1/total"]
        lines = given.get("line_items", self._values(after, part)["line_items"])
        if "line_items/1/total" in fresh and not lines:
            return False
        has_list = "line_items" in corrected
        for name in sorted(fresh):  # the list before its lines
            if name == "line_items":
                corrected.pop("line_items/1/total", None)
            if name == "line_items/1/total" and not has_list:
                corrected.setdefault("line_items", lines)
            corrected[name] = fresh[name]
        return True

    def _take_back(self, after: Model, part: int, names: Any) -> None:
        corrected = after.corrected(part)
        for name in names:
            if name in corrected and name == "line_items":
                corrected.pop("line_items/1/total", None)
            corrected.pop(name, None)

    def _values(self, model: Model, part: int) -> dict[str, Any]:
        """What an expense says: what was read, as far as it holds for a part, and the corrections."""
        base = self.base or {"merchant": None, "total": None, "tax": None, "line_items": []}
        common = {"tip": None, "currency": "EUR", "purchase_date": dt.date(2026, 11, 20)}
        values = common | base | {"line_items": [{"description": name} for name in base["line_items"]]}
        if model.parts > 1:
            values |= dict.fromkeys(_OF_THE_WHOLE) | {"line_items": []}
        corrected = model.corrected(part)
        values |= {name: value for name, value in corrected.items() if "/" not in name}
        lines = [dict(line) for line in values["line_items"]]
        if "line_items/1/total" in corrected and lines:
            lines[0]["total"] = corrected["line_items/1/total"]
        return values | {"line_items": lines}

    def _confirm(self, after: Model, settled: str, counting: set[int]) -> None:
        after.settled, after.state, after.counting = settled, "expensed", counting
        for part in counting:
            values = self._values(after, part)
            confirmed = {name: values[name] for name in _CONFIRMED if values[name] is not None}
            after.corrections[part] = confirmed | after.corrected(part)

    def _decide(self, decision: Decision, after: Model, *, fits: bool, crashes: bool, always: bool = False) -> None:
        if crashes:
            with pytest.raises((CrashedError, InvalidValuesError)), self.ledger.session() as session:
                decide(self.receipt_id, decision, ANNA, session=session)
                raise CrashedError
            return
        totals = [self._values(after, part)["total"] for part in after.counting]
        with self.ledger.session() as session:
            if not fits or None in totals:
                with pytest.raises(InvalidValuesError):
                    decide(self.receipt_id, decision, ANNA, session=session)
                return
            changed = decide(self.receipt_id, decision, ANNA, session=session).changed
        with self.ledger.session() as session:  # whoever sends it twice changes nothing more
            again = decide(self.receipt_id, decision, ANNA, session=session)
            assert not again.changed or isinstance(decision, Book)
            if again.changed:  # a correction that was taken back was confirmed by the same booking
                decide(self.receipt_id, Undo(), ANNA, session=session)
        self._note(after, changed=changed)

    def _note(self, after: Model, *, changed: bool) -> None:
        if not changed:
            assert after == self.model or after.settled == self.model.settled
            return
        self.undone.append(self.model)
        self.model = after
        self.has_expenses |= bool(after.counting)
        self._choose_base()

    def _choose_base(self) -> None:
        if not (self.model.counting or (self.model.settled and self.has_expenses)):
            self.base = self.newest

    def _public_id(self, part: int) -> str | None:
        with self.ledger.session() as session:
            expenses = review_item(self.receipt_id, session=session).expenses
        return next((one.public_id for one in expenses if one.part == part), None)

    @invariant()
    def the_ledger_is_as_the_model(self) -> None:
        with self.ledger.session() as session:
            receipt = get_receipt(self.receipt_id, session=session)
            item = review_item(self.receipt_id, session=session)
            lines = show_receipt(self.receipt_id, session=session).line_items
        assert receipt.state == self.model.state
        assert {one.part for one in item.expenses if one.voided_at is None} == self.model.counting
        for one in item.expenses:
            values = self._values(self.model, one.part)
            if one.voided_at is None:
                names = ("merchant", "total", "tax", "tip", "currency", "purchase_date")
                assert {name: getattr(one, name) for name in names} == {name: values[name] for name in names}
            self._check_revision(one, values)
        if 0 in self.model.counting:
            wanted = [(line["description"], line.get("total")) for line in self._values(self.model, 0)["line_items"]]
            assert [(line.description, line.total) for line in lines] == wanted
        rows = count(self.ledger, "corrections")
        assert rows >= self.rows
        self.rows = rows

    def _check_revision(self, one: Any, values: dict[str, Any]) -> None:
        now = copy.deepcopy(values) if one.voided_at is None else "void"
        before, revision = self.revisions.get(one.part, (None, 0))
        assert (one.revision > revision) if now != before else (one.revision == revision), (before, now)
        self.revisions[one.part] = (now, one.revision)


def test_any_order_of_readings_and_decisions_gives_what_the_model_says(ledger: Ledger) -> None:
    run_state_machine_as_test(
        lambda: Machine(ledger),
        settings=settings(
            max_examples=30,
            stateful_step_count=14,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
