"""What an expense is in its owner's own currency: by a rate that a person entered, or by the last one that the European
Central Bank published on or before the day of purchase. Where there is none, nothing is converted.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from babel.numbers import get_currency_precision
from sqlalchemy import text
from sqlmodel import Session, col, select

from flows.ledger.schema import OwnerSettings

EURO = "EUR"
ENTERED = "entered by a person"
# Easter and the turn of the year leave at most five days without rates; a currency that ended has none for years.
_OLDEST_DAYS = 7
_RATE_DECIMALS = 12
_RATE = f"""
    SELECT a.day, a.source, round(CASE
        WHEN {{foreign}} = '{EURO}' THEN a.per_euro
        WHEN {{home}} = '{EURO}' THEN 1 / a.per_euro
        ELSE b.per_euro / a.per_euro END, {_RATE_DECIMALS}) AS rate
    FROM exchange_rates a LEFT JOIN exchange_rates b ON b.day = a.day AND b.currency = {{home}}
    WHERE a.currency = CASE WHEN {{foreign}} = '{EURO}' THEN {{home}} ELSE {{foreign}} END
        AND a.day <= {{day}} AND a.day > {{day}} - {_OLDEST_DAYS}
        AND ('{EURO}' IN ({{home}}, {{foreign}}) OR b.per_euro IS NOT NULL)
    ORDER BY a.day DESC LIMIT 1"""  # noqa: S608  # only constants
_ONE = text(_RATE.format(foreign="CAST(:foreign AS text)", home="CAST(:home AS text)", day="CAST(:day AS date)"))
_SAME_CURRENCY = text(
    """UPDATE expenses SET home_currency = :home, home_total = total
    WHERE owner = :owner AND currency = :home AND home_total IS NULL"""
)
_BY_ENTERED_RATE = text(
    f"""UPDATE expenses e SET home_currency = :home, rate = c.rate, rate_source = '{ENTERED}',
        home_total = round(e.total * c.rate, :digits)
    FROM (
        SELECT DISTINCT ON (content_id, part) content_id, part, taken_back, value #>> '{{}}' AS entered,
            CAST(nullif(split_part(value #>> '{{}}', ' ', 1), '') AS numeric) AS rate
        FROM corrections WHERE field = 'exchange_rate' ORDER BY content_id, part, id DESC
    ) c
    WHERE e.owner = :owner AND e.home_total IS NULL AND c.content_id = e.content_id AND c.part = e.part
        AND NOT c.taken_back AND split_part(c.entered, ' ', 2) = :home"""  # noqa: S608  # only constants
)
_BY_RATE_OF_THE_DAY = text(
    f"""UPDATE expenses SET home_currency = :home, rate = r.rate, rate_day = r.day, rate_source = r.source,
        home_total = round(total * r.rate, :digits)
    FROM (
        SELECT e.id, found.* FROM expenses e CROSS JOIN LATERAL (
            {_RATE.format(foreign="CAST(e.currency AS text)", home="CAST(:home AS text)", day="e.purchase_date")}
        ) found
        WHERE e.owner = :owner AND e.home_total IS NULL AND e.currency <> :home
    ) r
    WHERE expenses.id = r.id"""  # noqa: S608  # only constants
)


def home_columns(owner: str, values: dict[str, Any], *, session: Session) -> dict[str, Any]:
    """The columns of an expense that tell its total in the owner's own currency.

    Args:
        owner: Whose.
        values: The expense's `total`, `currency`, `purchase_date`, and the `exchange_rate` that was entered, as in
            "0.9412 EUR".
        session: The transaction.
    """
    nothing = dict.fromkeys(("home_currency", "home_total", "rate", "rate_day", "rate_source"))
    query = select(OwnerSettings.home_currency).where(OwnerSettings.owner == owner)
    home = session.exec(query).one_or_none()
    if home is None or values["currency"] is None or values["total"] is None:
        return nothing
    if values["currency"] == home:
        return nothing | {"home_currency": home, "home_total": values["total"]}
    found = _entered(values.get("exchange_rate"), home) or _published(values, home, session=session)
    if found is None:
        return nothing
    rate, day, source = found
    total = _rounded(values["total"] * rate, home)
    return {"home_currency": home, "home_total": total, "rate": rate, "rate_day": day, "rate_source": source}


def convert_missing(*, session: Session, owner: str | None = None) -> int:
    """Convert the expenses that have no total in their owner's own currency yet, as far as there are rates.

    Returns:
        How many were converted. That is no change of an expense: its revision stays.
    """
    query = select(OwnerSettings.owner, OwnerSettings.home_currency).where(
        col(OwnerSettings.home_currency).is_not(None)
    )
    converted = 0
    for whose, home in session.exec(query if owner is None else query.where(OwnerSettings.owner == owner)).all():
        named = {"owner": whose, "home": home, "digits": get_currency_precision(str(home))}
        for way in (_SAME_CURRENCY, _BY_ENTERED_RATE, _BY_RATE_OF_THE_DAY):
            converted += session.execute(way, named).rowcount  # type: ignore[attr-defined]  # of an UPDATE
    return converted


def _entered(text_: str | None, home: str) -> tuple[Decimal, None, str] | None:
    """A rate that was entered for this home currency; one for another is none."""
    rate, _, currency = (text_ or "").partition(" ")
    return (Decimal(rate), None, ENTERED) if currency == home else None


def _published(values: dict[str, Any], home: str, *, session: Session) -> tuple[Decimal, dt.date, str] | None:
    if values["purchase_date"] is None:
        return None
    named = {"foreign": values["currency"], "home": home, "day": values["purchase_date"]}
    row = session.execute(_ONE, named).one_or_none()
    return (row.rate, row.day, row.source) if row else None


def _rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-get_currency_precision(currency)), ROUND_HALF_UP)
