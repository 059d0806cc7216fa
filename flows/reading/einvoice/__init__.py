"""Electronic invoices by EN 16931, read from their XML: ZUGFeRD and Factur-X (CII), Peppol and XRechnung (UBL)."""

from flows.reading.einvoice.reading import read_invoice
from flows.reading.einvoice.shown import invoice_lines
from flows.reading.einvoice.tree import InvoiceXmlError

__all__ = ["InvoiceXmlError", "invoice_lines", "read_invoice"]
