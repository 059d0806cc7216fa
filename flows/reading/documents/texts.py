"""Objects that are text: HTML, plain text and electronic invoices, told apart and made into pages."""

from __future__ import annotations

import re

from flows.reading.documents.errors import TooLargeError, UnsupportedTypeError
from flows.reading.documents.html_lines import html_lines
from flows.reading.documents.limits import Limits
from flows.reading.documents.text_pages import MAX_CHARACTERS, TextPages
from flows.reading.einvoice import invoice_lines, read_invoice

HTML, PLAIN, XML = "text/html", "text/plain", "application/xml"
_BYTE_ORDERS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_LOOKED_AT = 4096
_HTML_TAG = re.compile(r"<(?:!doctype\s+html|html|body|table|div|p|span|br)\b", re.IGNORECASE)
_XML = re.compile(r"^\ufeff?\s*<(?:\?xml\b|(?:\w+:)?(?:CrossIndustryInvoice|Invoice|CreditNote)\b)")
_INVOICE_ROOT = re.compile(r"<(?:[\w.-]+:)?(?:CrossIndustryInvoice|Invoice|CreditNote)[\s>]")
_MAIL_HEADER = re.compile(
    r"^(?:From|To|Subject|Date|Received|Return-Path|MIME-Version|Message-ID|Content-Type|Delivered-To): ?\S",
    re.MULTILINE,
)
_AMOUNT = re.compile(r"\d[.,]\d\d(?!\d)|[€$£¥₩]\s?\d|\d\s?[€₩円元]")
_DATE = re.compile(
    r"(?<!\d)\d{1,4}[./-] ?\d{1,2}[./-] ?\d{2,4}(?!\d)|\d{1,2}\.? ?[^\W\d_]{3,12}\.?,? ?\d{4}|"
    r"(?<![^\W\d_])[^\W\d_]{3,12}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}|\d ?[年년]"
)
_JSON = re.compile(r'^\ufeff?\s*(?:\{\s*["}]|\[\s*[\]{\["\d-])')
_MAX_CONTROLS = 0.001  # share of characters, beyond which it is no text


def text_of(data: bytes) -> str | None:
    """Return the bytes as text; None where they are none."""
    mark = next((mark for mark in _BYTE_ORDERS if data.startswith(mark)), None)
    for encoding in [_BYTE_ORDERS[mark]] if mark else ["utf-8", "cp1252"]:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        controls = sum((ord(char) < 32 and char not in "\t\n\r\f") or 0x7F <= ord(char) < 0xA0 for char in text)
        return text if controls <= _MAX_CONTROLS * len(text) else None
    return None


def text_type_of(text: str) -> str:
    """Return the media type of a text.

    Raises:
        UnsupportedTypeError: a mail's source, JSON, XML that is no invoice, a page without any amount, or text without
            an amount and a date: notes and logs are no receipts.
    """
    if len(text) > MAX_CHARACTERS:
        raise TooLargeError("characters", len(text), MAX_CHARACTERS)
    head = text[:_LOOKED_AT]
    if _XML.match(head):
        if _INVOICE_ROOT.search(head):
            return XML
        if not _HTML_TAG.search(head):
            raise UnsupportedTypeError("XML that is no electronic invoice")
    if len(_MAIL_HEADER.findall(head.partition("\n\n")[0])) > 1:
        raise UnsupportedTypeError("a mail's source, whose attachment or HTML body can be sent")
    if _HTML_TAG.search(head):
        if not _AMOUNT.search("\n".join(html_lines(text))):
            raise UnsupportedTypeError("a web page without any amount")
        return HTML
    if _JSON.match(head):
        raise UnsupportedTypeError("JSON, data for programs")
    if not (_AMOUNT.search(text) and _DATE.search(text)):
        raise UnsupportedTypeError("text without an amount and a date")
    return PLAIN


def open_text(text: str, media_type: str, limits: Limits) -> TextPages:
    """Return a text's pages.

    Raises:
        UnreadableError: too long, or XML that is no readable invoice.
    """
    if media_type == XML:
        return TextPages(invoice_lines(read_invoice(text)), limits, attachments=(text,))
    lines = html_lines(text) if media_type == HTML else text.expandtabs().splitlines()
    return TextPages(["".join(char if char.isprintable() else " " for char in line) for line in lines], limits)
