"""CSV for spreadsheets: one expense a row, columns that only ever grow at the end, and no cell that runs as a formula.

`csv` is all expenses that count, as they are now. `csv-changes` is what came, changed and went since the export before.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from flows.exports.booking import Accounts
from flows.exports.pictures import picture_path
from flows.exports.protocol import Output
from flows.exports.text import money, one_line
from flows.ledger.exports import ExpenseRow, ExportView, Movement, StatementView

COLUMNS = (
    "public_id", "revision", "purchase_date", "purchase_time", "merchant", "total", "currency", "category", "tags",
    "payment_method", "account", "subtotal", "tax", "tip", "rounding", "taxes", "country", "receipt_number",
    "home_total", "home_currency", "rate", "notes", "picture",
)  # fmt: skip
# A cell that begins so is a formula to spreadsheets (OWASP, CSV injection); an apostrophe in front makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


class PlainNames:
    """Categories and payment methods by their own names."""

    def category(self, category: str | None) -> str:
        """The category."""
        return one_line(category)

    def payment(self, method: str | None) -> str:
        """The payment method."""
        return one_line(method)


class CsvFile:
    """All expenses that count in one file."""

    name, title = "csv", "CSV, for spreadsheets"
    names = PlainNames()
    needs_whole_years = False

    def render(self, row: ExpenseRow, accounts: Accounts) -> str:
        """One row."""
        return csv_row(cells(row, accounts).values())

    def file_of(self, row: ExpenseRow) -> str:
        """The one file."""
        return "receiptflow.csv"

    def header(self, name: str) -> str:
        """The names of the columns."""
        return csv_row(COLUMNS)

    def index(self, names: Sequence[str]) -> Iterable[tuple[str, str]]:
        """No further file; one without rows where there are no expenses."""
        return [] if names else [("receiptflow.csv", self.header("receiptflow.csv"))]


class CsvChanges:
    """What came, changed and went since the export before: the same columns behind the status."""

    name, title = "csv-changes", "CSV of what is new, changed and voided since the last one"
    names = PlainNames()
    imports_once = True

    def entry(self, row: ExpenseRow, accounts: Accounts) -> dict[str, Any]:
        """The row's cells. All are in one statement: the file has one table."""
        return {"account": "", "currency": "", "date": str(row.purchase_date or ""), "row": cells(row, accounts)}

    def write(
        self, export: ExportView, statements: Sequence[StatementView], movements: Iterable[Movement], output: Output
    ) -> None:
        """One table, in the order of the days."""
        name = f"receiptflow-changes-{export.number:04}.csv"
        output.write(name, csv_row(("status", *COLUMNS)))
        for movement in movements:
            if not movement.is_replaced:
                row = movement.entry.get("row", {"public_id": movement.public_id})
                output.write(name, csv_row((_status(movement), *(row.get(column, "") for column in COLUMNS))))


def cells(row: ExpenseRow, accounts: Accounts) -> dict[str, str]:
    """A row's cells by column, without those that are empty."""
    currency = row.currency or accounts.currency or ""
    values: dict[str, str | Decimal | None] = {
        "public_id": row.public_id,
        "revision": str(row.revision),
        "purchase_date": str(row.purchase_date or ""),
        "purchase_time": row.purchase_time.isoformat("minutes") if row.purchase_time else "",
        "merchant": _text(row.merchant),
        "total": _amount(row.total, currency),
        "currency": currency,
        "category": _text(row.category),
        "tags": _text(", ".join(row.tags)),
        "payment_method": _text(row.payment_method),
        "account": _text(accounts.payment(row.payment_method)),
        "subtotal": _amount(row.subtotal, currency),
        "tax": _amount(row.tax, currency),
        "tip": _amount(row.tip, currency),
        "rounding": _amount(row.rounding, currency),
        "taxes": _taxes(row, currency),
        "country": _text(row.country),
        "receipt_number": _text(row.receipt_number),
        "home_total": _amount(row.home_total, row.home_currency or ""),
        "home_currency": row.home_currency,
        "rate": "" if row.rate is None else format(row.rate, "f"),
        "notes": _text(row.notes),
        "picture": picture_path(row),
    }
    return {column: str(values[column] or "") for column in COLUMNS}


def csv_row(values: Iterable[str]) -> str:
    """One line, quoted where it has to be."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(values)
    return line.getvalue()


def _status(movement: Movement) -> str:
    if movement.is_reversal:
        return "voided"
    return "new" if movement.version == 1 else "changed"


def _text(value: str | None) -> str:
    text = one_line(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _amount(value: Decimal | None, currency: str) -> str:
    if value is None:
        return ""
    return money(value, currency) if currency else format(value, "f")


def _taxes(row: ExpenseRow, currency: str) -> str:
    """The tax table in one cell: `19 %: 10.50 + 2.00; 7 %: …`."""
    return "; ".join(
        f"{'' if tax.rate is None else format(tax.rate.normalize(), 'f')} %: {_amount(tax.net, currency)} + "
        f"{_amount(tax.amount, currency)}"
        for tax in row.taxes
    ).lstrip()
