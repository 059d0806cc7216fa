"""Which corrections of a content count: the newest row of each part and field, unless it is taken back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from flows.ledger.corrections.field_kinds import TABLES, loaded, row_field
from flows.ledger.schema import CorrectionRow

_Rows = dict[tuple[int, str], CorrectionRow]


@dataclass(frozen=True, slots=True)
class Standing:
    """The corrections that count, by part and field; a whole list ends those of its rows before it."""

    rows: _Rows = field(default_factory=dict)

    def values(self, part: int) -> dict[str, Any]:
        """The corrected values of one part, whole lists before their rows."""
        mine = [(name, row) for (of, name), row in self.rows.items() if of == part]
        return {name: loaded(name, row.value) for name, row in sorted(mine, key=lambda one: one[1].id)}

    def followed_by(self, rows: Iterable[CorrectionRow]) -> Standing:
        """What counts once further rows have been appended, given in their order."""
        return Standing(_newest([*sorted(self.rows.values(), key=lambda row: row.id), *rows]))


def standing_of(content_id: UUID, *, session: Session, before: int | None = None) -> Standing:
    """The corrections of a content that count, or those that counted before the row with id `before`."""
    query = select(CorrectionRow).where(CorrectionRow.content_id == content_id)
    if before is not None:
        query = query.where(col(CorrectionRow.id) < before)
    return Standing(_newest(session.exec(query.order_by(col(CorrectionRow.id)))))


def _newest(rows: Iterable[CorrectionRow]) -> _Rows:
    newest: _Rows = {}
    for row in rows:
        if row.field in TABLES:
            for key in [key for key in newest if key[0] == row.part and _is_in(row.field, key[1])]:
                del newest[key]
        newest.pop((row.part, row.field), None)
        if not row.taken_back:
            newest[row.part, row.field] = row
    return newest


def _is_in(table: str, field: str) -> bool:
    place = row_field(field)
    return place is not None and place.table == table
