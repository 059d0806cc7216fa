"""An electronic invoice in lines of text, for people: what stands in the XML and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from flows.domain.fields import ElectronicInvoice

_WIDTH = 64


def invoice_lines(invoice: ElectronicInvoice) -> list[str]:
    """Return the invoice as lines of at most 64 characters, amounts at their ends."""
    return [line for line in _lines(invoice) if line is not None]


def _lines(invoice: ElectronicInvoice) -> Iterator[str | None]:
    yield invoice.seller[:_WIDTH]
    yield invoice.seller_address[:_WIDTH] if invoice.seller_address else None
    yield f"VAT ID {invoice.seller_tax_id}"[:_WIDTH] if invoice.seller_tax_id else None
    yield ""
    yield f"Invoice {invoice.number}"[:_WIDTH]
    yield f"Date {invoice.issued:%Y-%m-%d}"
    yield ""
    for item in invoice.line_items:
        yield _row(item.description, item.total, "")
    yield ""
    yield _row("Subtotal", invoice.net, invoice.currency)
    yield _row("Tax", invoice.tax, invoice.currency)
    yield _row("Total", invoice.total, invoice.currency)


def _row(text: str, amount: Decimal | None, currency: str) -> str | None:
    if amount is None:
        return None
    shown = f"{currency} {amount:.2f}".strip()
    return f"{text[: _WIDTH - len(shown) - 3]:<{_WIDTH - len(shown) - 3}}   {shown}"
