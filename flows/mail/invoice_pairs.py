"""An electronic invoice with a PDF beside it that shows the same one is one receipt: the XML, which says it exactly.

The PDF is taken for the same invoice if its text has the invoice's number and its total; a PDF that only lies beside it
(terms, another invoice) stays a receipt of its own. So does one with the XML inside (ZUGFeRD, Factur-X): the XML beside
it is passed over then, as the PDF has both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import NamedTuple

from flows.domain.errors import UnreadableError
from flows.domain.fields import ElectronicInvoice
from flows.mail.parts import MailPart
from flows.reading.documents import Limits, OpenDocument, open_pages
from flows.reading.einvoice import InvoiceXmlError, read_invoice

_PDF = b"%PDF-"
_NO_FIGURES = re.compile(r"[^\w]+")
# An invoice says its number and total on one of its first or last pages.
_LIMITS = Limits(max_pages=20)


class _Shown(NamedTuple):
    """What a PDF has as text, with single spaces, and the invoices that it carries."""

    text: str
    carried: tuple[ElectronicInvoice, ...]


def without_second_showings(parts: Sequence[MailPart]) -> tuple[list[MailPart], list[str]]:
    """The parts that are receipts of their own, and the names of the others with the reason.

    Args:
        parts: Of one mail, in their order.
    """
    invoices = [(part, invoice) for part in parts if (invoice := _invoice_of(part.data)) is not None]
    if not invoices:
        return list(parts), []
    pictures = [(part, _shown(part.data)) for part in parts if part.data.startswith(_PDF)]
    pictures.sort(key=lambda one: not one[1].carried)
    passed: dict[str, str] = {}
    for part, invoice in invoices:
        for other, shown in pictures:
            if other.path in passed or not _are_beside(part, other):
                continue
            if any(carried.number == invoice.number for carried in shown.carried):
                passed[part.path] = f"{part.name} (the same invoice is in {other.name})"
                break
            if _shows(shown.text, invoice):
                passed[other.path] = f"{other.name} (shows the same invoice as {part.name})"
                break
    return [part for part in parts if part.path not in passed], list(passed.values())


def _invoice_of(data: bytes) -> ElectronicInvoice | None:
    if data.startswith(_PDF):
        return None
    with suppress(InvoiceXmlError, UnreadableError, UnicodeDecodeError):
        return _first_invoice(data)
    return None


def _first_invoice(data: bytes) -> ElectronicInvoice | None:
    with open_pages(data, _LIMITS) as document:
        return next(iter(_carried(document)), None)


def _carried(document: OpenDocument) -> tuple[ElectronicInvoice, ...]:
    found = []
    for xml in document.attachments:
        with suppress(InvoiceXmlError):
            found.append(read_invoice(xml))
    return tuple(found)


def _shown(data: bytes) -> _Shown:
    """Of a PDF that cannot be read, nothing: it goes its own way, and says so there."""
    try:
        with open_pages(data, _LIMITS) as document:
            pages = (document.page(number) for number in range(1, document.page_count + 1))
            text = " ".join(word for page in pages for word, _ in page.own.words)
            return _Shown(text, _carried(document))
    except UnreadableError:
        return _Shown("", ())


def _are_beside(one: MailPart, other: MailPart) -> bool:
    """Whether both are in the same mail or archive."""
    return _folder(one.path) == _folder(other.path)


def _folder(path: str) -> str:
    return path.rstrip(".").rpartition("z" if "z" in path else ".")[0]


def _shows(text: str, invoice: ElectronicInvoice) -> bool:
    words = f" {_NO_FIGURES.sub(' ', text)} ".casefold()
    number = f" {_NO_FIGURES.sub(' ', invoice.number).strip()} ".casefold()
    return number in words and any(f" {total} " in words for total in _written(invoice.total))


def _written(total: Decimal) -> list[str]:
    """A total as it may be printed, all signs between figures as spaces: 1 234 56, 1234 56."""
    grouped = f"{abs(total):,.2f}"
    return [_NO_FIGURES.sub(" ", one) for one in (grouped, grouped.replace(",", ""))]
