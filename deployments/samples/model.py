"""The words in which a sample receipt is described: what was bought where, how it is laid out, how it was worn.

Everything that is printed and everything that is true follows from one `SampleReceipt`; amounts are never typed
in twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Face = Literal["mono", "sans"]
ItemStyle = Literal["one_line", "quantity_first", "two_lines", "columns"]
TaxTable = Literal["none", "rates", "net_tax_gross"]


def at(year: int, month: int, day: int, hour: int, minute: int) -> dt.datetime:
    """A receipt's own time, which has no zone."""
    return dt.datetime(year, month, day, hour, minute)  # noqa: DTZ001 - see above


@dataclass(frozen=True)
class Locale:
    """How a country prints its receipts. `labels` holds its words, `rates` its tax rates in percent by code."""

    language: str
    country: str
    currency: str
    number_locale: str
    labels: Mapping[str, str]
    money: str = "{}"
    number_pattern: str = "#,##0.00"
    decimals: int = 2
    date_format: str = "dd.MM.yyyy"
    time_format: str = "HH:mm"
    tax_included: bool = True
    cash_step: Decimal | None = None


@dataclass(frozen=True)
class Item:
    """One line of goods: price of one, and the code of its tax rate."""

    description: str
    price: Decimal
    quantity: Decimal = Decimal(1)
    rate: str = "A"


@dataclass(frozen=True)
class TaxRate:
    """A tax: its name on paper and its rate in percent. Several rates with one code are several taxes on it."""

    code: str
    percent: Decimal
    name: str = ""


@dataclass(frozen=True)
class Layout:
    """Which blocks follow each other and how the rows of goods look.

    A block is the name of one in `typeset.py`, or a text: `>` centred, `<` from the left, with `|` before a part
    that is set to the right. `codes` prints the tax code behind each line, `subtotal` the sum before the total;
    `rule` is what lines across are made of, `_` being a solid one.
    """

    blocks: tuple[str, ...]
    face: Face = "mono"
    columns: int = 40
    items: ItemStyle = "one_line"
    tax_table: TaxTable = "none"
    when: str = "{date}|{time}"
    codes: bool = False
    logo_size: float = 2.0
    subtotal: bool = False
    slashed_zero: bool = False
    rule: Literal["-", "=", ".", "_"] = "-"
    reversed_logo: bool = False


@dataclass(frozen=True)
class Wear:
    """What happened to the paper and its picture. All zero: a good scan."""

    tilt_degrees: float = 0.0
    blur_pixels: float = 0.0
    noise: float = 0.0
    shadow: float = 0.0
    fade: float = 0.0
    crumple: float = 0.0
    photographed: bool = False
    exif_orientation: int = 1
    jpeg_quality: int = 88

    @property
    def effects(self) -> tuple[str, ...]:
        """Names of what was done, for the truth file; empty for a clean one."""
        done = {
            "tilt": self.tilt_degrees,
            "blur": self.blur_pixels,
            "noise": self.noise,
            "shadow": self.shadow,
            "faded": self.fade,
            "crumpled": self.crumple,
            "photographed": self.photographed,
            "sideways": self.exif_orientation != 1,
            "low_jpeg_quality": self.jpeg_quality < 50,
        }
        return tuple(name for name, value in done.items() if value)


@dataclass(frozen=True)
class SampleReceipt:
    """One receipt of an invented merchant.

    `tendered` is the cash given; without it, it was paid by card. `words` replaces labels of the locale, `logo` is
    how the merchant's name is printed when it differs, `round_to` is the step of a total that is always rounded.
    """

    name: str
    locale: Locale
    merchant: str
    address: tuple[str, ...]
    when: dt.datetime
    number: str
    items: tuple[Item, ...]
    rates: tuple[TaxRate, ...]
    layout: Layout
    logo: str = ""
    phone: str = ""
    tax_id: str = ""
    tip: Decimal = Decimal(0)
    tendered: Decimal | None = None
    round_to: Decimal | None = None
    card: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    wear: Wear = field(default_factory=Wear)

    @property
    def stem(self) -> str:
        """The file's name without its extension."""
        return self.name.rpartition(".")[0]
