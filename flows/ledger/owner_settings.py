"""What an owner has set: the currency of their books, and the day on which their year begins."""

from __future__ import annotations

import re
from dataclasses import dataclass

from babel.core import get_global
from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from flows.ledger.errors import InvalidReferenceError
from flows.ledger.expenses import YearStart
from flows.ledger.rates import convert_missing
from flows.ledger.schema import Expense, OwnerSettings

_DAY = re.compile(r"(\d{2})-(\d{2})")
_NOTHING = {"home_currency": None, "home_total": None, "rate": None, "rate_day": None, "rate_source": None}


@dataclass(frozen=True, slots=True)
class SettingsView:
    """An owner's settings. Without a home currency nothing is converted."""

    owner: str
    home_currency: str | None
    year_starts: str

    @property
    def year_start(self) -> YearStart:
        """The day on which the owner's year begins."""
        return _year_start(self.year_starts)


def settings_of(owner: str, *, session: Session) -> SettingsView:
    """The owner's settings; the defaults where nothing was set."""
    row = session.exec(select(OwnerSettings).where(OwnerSettings.owner == owner)).one_or_none()
    return SettingsView(owner, row.home_currency, row.year_starts) if row else SettingsView(owner, None, "01-01")


def change_settings(
    owner: str, *, session: Session, home_currency: str | None = None, year_starts: str | None = None
) -> SettingsView:
    """Change what is given; another home currency converts every expense of the owner anew.

    Args:
        owner: Whose.
        session: The transaction.
        home_currency: ISO 4217; empty for none.
        year_starts: As MM-DD.

    Raises:
        InvalidReferenceError: There is no such currency or day.
    """
    values: dict[str, str | None] = {}
    if home_currency is not None:
        values["home_currency"] = _currency(home_currency)
    if year_starts is not None:
        _year_start(year_starts)
        values["year_starts"] = year_starts
    before = settings_of(owner, session=session)
    if values:
        query = insert(OwnerSettings).values(owner=owner, **values)
        session.execute(query.on_conflict_do_update(index_elements=["owner"], set_=values | {"updated_at": func.now()}))
    after = settings_of(owner, session=session)
    if after.home_currency != before.home_currency:
        session.execute(update(Expense).where(col(Expense.owner) == owner).values(**_NOTHING))
        convert_missing(session=session, owner=owner)
    return after


def _currency(code: str) -> str | None:
    code = code.strip().upper()
    if code and code not in get_global("all_currencies"):
        raise InvalidReferenceError(f"home_currency: {code[:20]!r} is none; give a code of ISO 4217 such as EUR")
    return code or None


def _year_start(text: str) -> YearStart:
    matched = _DAY.fullmatch(text)
    if matched is None:
        raise InvalidReferenceError(f"year_starts: {text[:20]!r} is no day; write it like 04-06")
    return YearStart(int(matched[1]), int(matched[2]))
