"""A sample receipt as rows of cells, as its till would print it: labels, amounts and dates in local form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from babel.dates import format_date, format_time
from babel.numbers import format_decimal

from deployments.samples.model import Item, SampleReceipt
from deployments.samples.sums import Sums, TaxSum, add_up

Align = Literal["left", "middle", "right"]
Kind = Literal["text", "logo", "rule", "gap", "barcode", "page"]


@dataclass(frozen=True)
class Cell:
    """A text at a place across the paper, 0.0 to 1.0."""

    text: str
    at: float
    align: Align


@dataclass(frozen=True)
class Row:
    """One printed line. `size` is relative to the normal letter."""

    cells: tuple[Cell, ...] = ()
    kind: Kind = "text"
    size: float = 1.0
    bold: bool = False


def typeset(receipt: SampleReceipt) -> list[list[Row]]:
    """The rows of each page."""
    pages: list[list[Row]] = [[]]
    setter = _Setter(receipt, add_up(receipt))
    for block in receipt.layout.blocks:
        if block == "page":
            pages.append([])
        else:
            pages[-1].extend(setter.rows(block))
    return pages


def ends(left: str, right: str = "", *, size: float = 1.0, bold: bool = False) -> Row:
    """A row with a text at each end."""
    return Row((Cell(left, 0.0, "left"), Cell(right, 1.0, "right")), size=size, bold=bold)


def centred(text: str, *, size: float = 1.0, bold: bool = False) -> Row:
    """A row with its text in the middle."""
    return Row((Cell(text, 0.5, "middle"),), size=size, bold=bold)


class _Setter:
    """Sets one receipt's blocks; a block's method has its name."""

    def __init__(self, receipt: SampleReceipt, sums: Sums) -> None:
        self.receipt, self.sums = receipt, sums
        self.locale, self.layout = receipt.locale, receipt.layout
        self.words = {**receipt.locale.labels, **receipt.words}
        self.blocks: dict[str, Callable[[], Iterator[Row]]] = {
            "logo": self._logo,
            "address": self._address,
            "phone": self._phone,
            "tax_id": self._tax_id,
            "when": self._when,
            "number": self._number,
            "items": self._items,
            "totals": self._totals,
            "taxes": self._taxes,
            "payment": self._payment,
            "thanks": self._thanks,
            "rule": lambda: iter([Row(kind="rule")]),
            "gap": lambda: iter([Row(kind="gap")]),
            "barcode": lambda: iter([Row((Cell(receipt.number, 0.5, "middle"),), kind="barcode")]),
        }

    def rows(self, block: str) -> Iterator[Row]:
        if block.startswith(">"):
            return iter([centred(block[1:])])
        if block.startswith("<"):
            left, _, right = block[1:].partition("|")
            return iter([ends(left, right)])
        return self.blocks[block]()

    def number(self, value: Decimal) -> str:
        text = format_decimal(value, format=self.locale.number_pattern, locale=self.locale.number_locale)
        # Tills group with plain spaces and apostrophes, not with the typographic ones of CLDR.
        return text.replace("\u202f", " ").replace("\xa0", " ").replace("\u2019", "'").replace("\u2212", "-")

    def money(self, value: Decimal) -> str:
        return self.locale.money.format(self.number(value))

    def quantity(self, value: Decimal) -> str:
        return format_decimal(value, format="0.###", locale=self.locale.number_locale)

    def _logo(self) -> Iterator[Row]:
        for line in (self.receipt.logo or self.receipt.merchant).split("|"):
            yield Row((Cell(line, 0.5, "middle"),), kind="logo", size=self.layout.logo_size)

    def _address(self) -> Iterator[Row]:
        return (centred(line) for line in self.receipt.address)

    def _phone(self) -> Iterator[Row]:
        yield centred(f"{self.words['phone']} {self.receipt.phone}")

    def _tax_id(self) -> Iterator[Row]:
        yield centred(f"{self.words['tax_id']} {self.receipt.tax_id}")

    def _when(self) -> Iterator[Row]:
        when, locale = self.receipt.when, self.locale
        date = format_date(when.date(), format=locale.date_format, locale=locale.number_locale)
        time = format_time(when.time(), format=locale.time_format, locale=locale.number_locale).replace("\u202f", " ")
        left, _, right = self.layout.when.format(date=date, time=time).partition("|")
        yield ends(left, right)

    def _number(self) -> Iterator[Row]:
        yield ends(f"{self.words['number']} {self.receipt.number}")

    def _items(self) -> Iterator[Row]:
        if self.layout.items == "columns":
            yield from self._columns_header()
        for item, line in zip(self.receipt.items, self.sums.lines, strict=True):
            yield from getattr(self, f"_item_{self.layout.items}")(item, line)

    def _line_total(self, item: Item, line: Decimal) -> str:
        return f"{self.number(line)} {item.rate}" if self.layout.codes else self.number(line)

    def _item_one_line(self, item: Item, line: Decimal) -> Iterator[Row]:
        yield ends(item.description, self._line_total(item, line))
        if item.quantity != 1:
            yield ends(f"   {self.quantity(item.quantity)} x {self.number(item.price)}")

    def _item_quantity_first(self, item: Item, line: Decimal) -> Iterator[Row]:
        yield ends(f"{self.quantity(item.quantity)} {item.description}", self._line_total(item, line))

    def _item_two_lines(self, item: Item, line: Decimal) -> Iterator[Row]:
        yield ends(item.description)
        each = f"  {self.quantity(item.quantity)} x {self.number(item.price)}"
        yield ends(each, self._line_total(item, line))

    def _columns_header(self) -> Iterator[Row]:
        yield self._columns(*(self.words[key] for key in ("item", "quantity", "price", "amount")), bold=True)
        yield Row(kind="rule")

    def _item_columns(self, item: Item, line: Decimal) -> Iterator[Row]:
        price, total = self.number(item.price), self._line_total(item, line)
        yield self._columns(item.description, self.quantity(item.quantity), price, total)

    def _columns(self, *texts: str, bold: bool = False) -> Row:
        places: tuple[tuple[float, Align], ...] = ((0.0, "left"), (0.56, "right"), (0.78, "right"), (1.0, "right"))
        return Row(tuple(Cell(text, *place) for text, place in zip(texts, places, strict=True)), bold=bold)

    def _totals(self) -> Iterator[Row]:
        sums, words = self.sums, self.words
        if self.layout.subtotal or not self.locale.tax_included:
            yield ends(words["subtotal"], self.number(sums.subtotal))
        if not self.locale.tax_included:
            yield from (ends(f"{row.rate.name} {self._percent(row)}", self.number(row.amount)) for row in sums.taxes)
        if sums.tip:
            yield ends(words["tip"], self.number(sums.tip))
        if sums.rounding:
            yield ends(words["before_rounding"], self.number(sums.before_rounding))
            yield ends(words["rounding"], self.number(sums.rounding))
        yield ends(words["total"], self.money(sums.total), size=1.35, bold=True)

    def _percent(self, row: TaxSum) -> str:
        return f"{self.quantity(row.rate.percent)}%"

    def _taxes(self) -> Iterator[Row]:
        if self.layout.tax_table == "rates":
            yield from (self._rate_row(row) for row in self.sums.taxes)
            return
        places = (0.0, 0.42, 0.7, 1.0)
        header = [self.words[key] for key in ("rate", "net", "tax", "gross")]
        for texts in (header, *(self._table_row(row) for row in self.sums.taxes)):
            first = Cell(texts[0], 0.0, "left")
            yield Row((first, *(Cell(t, at, "right") for t, at in zip(texts[1:], places[1:], strict=True))))

    def _rate_row(self, row: TaxSum) -> Row:
        name = row.rate.name or self.words["tax"]
        return ends(f"{self.words['included']} {name} {self._percent(row)}", self.number(row.amount))

    def _table_row(self, row: TaxSum) -> list[str]:
        code = f"{row.rate.code} " if self.layout.codes else ""
        return [f"{code}{self._percent(row)}", *map(self.number, (row.net, row.amount, row.gross))]

    def _payment(self) -> Iterator[Row]:
        receipt = self.receipt
        if receipt.tendered is None:
            yield ends(receipt.card or self.words["card"], self.number(self.sums.total))
            return
        yield ends(self.words["cash"], self.number(receipt.tendered))
        yield ends(self.words["change"], self.number(self.sums.change))

    def _thanks(self) -> Iterator[Row]:
        return (centred(line) for line in self.words["thanks"].split("|"))
