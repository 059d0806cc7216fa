"""The tables of home currencies: what an owner has set, and the rates to convert with."""

import datetime as dt
from decimal import Decimal

from sqlalchemy import Column, Date, DateTime, Numeric, String, Text, func
from sqlmodel import Field

from flows.ledger.schema.tables import Table


class OwnerSettings(Table, table=True):
    """What an owner has set. `year_starts` is the first day of the owner's year, as MM-DD."""

    __tablename__ = "owner_settings"

    owner: str = Field(sa_column=Column(Text, primary_key=True))
    home_currency: str | None = Field(default=None, sa_column=Column(String(3), nullable=True))
    year_starts: str = Field(default="01-01", sa_column=Column(String(5), nullable=False, server_default="01-01"))
    updated_at: dt.datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )


class ExchangeRate(Table, table=True):
    """Units of a currency for one euro on one day."""

    __tablename__ = "exchange_rates"

    currency: str = Field(sa_column=Column(String(3), primary_key=True))
    day: dt.date = Field(sa_column=Column(Date, primary_key=True))
    per_euro: Decimal = Field(sa_column=Column(Numeric, nullable=False))
    source: str = Field(sa_column=Column(Text, nullable=False))
