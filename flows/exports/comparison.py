"""What an export has to tell a target: expenses compared with what it was told last, collected and noted in pieces."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from flows.exports.errors import ExpenseRefusedError, ExportRefusedError, Refusal
from flows.ledger.exports import (
    Booked,
    ExpenseRow,
    ExportView,
    Item,
    Period,
    add_items,
    begin_export,
    finish_export,
    gone_items,
)

_ITEMS_AT_ONCE = 2000
_REFUSALS_KEPT = 100
_CHANGES_KEPT = 1000
_VOIDED = hashlib.sha256(b"voided").hexdigest()


@dataclass(frozen=True, slots=True)
class Change:
    """One expense that the target has otherwise, or has no more to have."""

    public_id: str
    kind: str
    revision: int


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did. `number` is None where nothing was new, changed or voided since the last one.

    `changes` are the first thousand of those changed and voided; `is_repeat` says that it is one of before, whose file
    had not been written to its end.
    """

    target: str
    number: int | None
    new: int
    changed: int
    voided: int
    files: tuple[str, ...]
    refused: int
    refusals: tuple[Refusal, ...]
    changes: tuple[Change, ...]
    is_repeat: bool = False


class Comparison:
    """Compares expenses with what the target was told, and collects what there is to tell.

    Args:
        owner: Whose expenses.
        target: The target's name.
        period: Kept with the export.
        session: The transaction, which holds the target's lock.
        note: Note it in the ledger; else count it only.
    """

    def __init__(self, owner: str, target: str, period: Period, session: Session, *, note: bool = True) -> None:
        self._owner, self._target, self._period, self._session = owner, target, period, session
        self._items: list[Item] = []
        self.export: ExportView | None = None
        self.counts: Counter[str] = Counter()
        self.refusals: list[Refusal] = []
        self.changes: list[Change] = []
        self._is_repeat = False
        self._notes = note

    def refuse(self, row: ExpenseRow, error: ExpenseRefusedError) -> None:
        """An expense that the target would not take; what it has of it stays."""
        self.counts["refused"] += 1
        if len(self.refusals) < _REFUSALS_KEPT:
            self.refusals.append(Refusal.of(row, str(error)))

    def repeat(self, export: ExportView) -> None:
        """It is to be written again what another export noted and did not get written."""
        self.export, self._is_repeat = export, True
        self.counts.update(new=export.new, changed=export.changed, voided=export.voided)

    def tell(self, row: ExpenseRow, sha256: str, entry: dict[str, Any] | None) -> None:
        """An expense that counts."""
        booked = row.booked
        if booked is not None and not booked.voided and booked.sha256 == sha256:
            return
        is_new = booked is None or booked.voided
        version = 1 if booked is None else booked.version + 1
        self._add("new" if is_new else "changed", Item(row.public_id, row.revision, version, sha256, False, entry))

    def void(self, booked: Booked | None, revision: int) -> None:
        """An expense that counts no more, or is gone."""
        if booked is not None and not booked.voided:
            self._add("voided", Item(booked.public_id, revision, booked.version + 1, _VOIDED, True, None))

    def void_gone(self) -> None:
        """What the target has of expenses that were deleted."""
        for booked in gone_items(self._owner, self._target, session=self._session):
            self.void(booked, booked.revision + 1)

    def finish(self, *, leave_out: bool) -> ExportView | None:
        """Write what is left, or refuse.

        Raises:
            ExportRefusedError: Some expenses were refused and are not to be left out.
        """
        if self.refusals and not leave_out:
            raise ExportRefusedError(self._target, self.refusals, self.counts["refused"])
        self._flush()
        if self.export is not None:
            counts = {kind: self.counts[kind] for kind in ("new", "changed", "voided")}
            self.export = finish_export(self.export, counts=counts, session=self._session)
        return self.export

    def _add(self, kind: str, item: Item) -> None:
        self.counts[kind] += 1
        if kind != "new" and len(self.changes) < _CHANGES_KEPT:
            self.changes.append(Change(item.public_id, kind, item.revision))
        if self._notes:
            self._items.append(item)
        if len(self._items) >= _ITEMS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        if not self._items:
            return
        if self.export is None:
            period = self._period
            self.export = begin_export(self._owner, self._target, period.first, period.last, session=self._session)
        add_items(self.export, self._items, session=self._session)
        self._items.clear()

    def result(self, files: Sequence[str]) -> Exported:
        """What was found, for whoever asked for the export."""
        return Exported(
            target=self._target,
            number=self.export.number if self.export else None,
            new=self.counts["new"],
            changed=self.counts["changed"],
            voided=self.counts["voided"],
            files=tuple(files),
            refused=self.counts["refused"],
            refusals=tuple(self.refusals),
            changes=tuple(self.changes),
            is_repeat=self._is_repeat,
        )
