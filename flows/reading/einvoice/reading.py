"""XML → `ElectronicInvoice`: the business terms of EN 16931 that an expense needs, in both of its syntaxes.

Paths are those of the standard's mappings, CEN/TS 16931-3-2 (UBL) and 16931-3-3 (CII); comments name the terms.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

from flows.domain.fields import ElectronicInvoice, LineItem, Tax
from flows.reading.einvoice.tree import InvoiceXmlError, Node, tree_of

_CREDIT_NOTES = {"381", "396", "532", "83", "308", "261", "262", "296", "420", "458"}
_MAX_LINES = 1000
_ZERO = Decimal(0)
T = TypeVar("T")


def read_invoice(xml: str) -> ElectronicInvoice:
    """Read an electronic invoice.

    Args:
        xml: The XML file's text.

    Raises:
        InvoiceXmlError: It is none, or it lacks what every invoice has: seller, date, currency and total.
    """
    root = tree_of(xml)
    if root.name == "CrossIndustryInvoice":
        return _cii(root)
    if root.name in {"Invoice", "CreditNote"}:
        return _ubl(root)
    raise InvoiceXmlError(f"its root is {root.name[:40]}")


def _cii(root: Node) -> ElectronicInvoice:
    document, deal = root.first("ExchangedDocument"), root.first("SupplyChainTradeTransaction")
    if document is None or deal is None:
        raise InvoiceXmlError("it has no transaction")
    seller = deal.first("ApplicableHeaderTradeAgreement/SellerTradeParty") or deal
    settled = deal.first("ApplicableHeaderTradeSettlement") or deal
    sums = settled.first("SpecifiedTradeSettlementHeaderMonetarySummation") or settled
    currency = settled.text("InvoiceCurrencyCode")  # BT-5
    credit = document.text("TypeCode") in _CREDIT_NOTES  # BT-3
    address = seller.first("PostalTradeAddress")
    return ElectronicInvoice(
        syntax="CII",
        number=document.text("ID"),  # BT-1
        issued=_required(document.day("IssueDateTime/DateTimeString"), "an issue date"),  # BT-2
        seller=_required(
            seller.text("SpecifiedLegalOrganization/TradingBusinessName", "Name"), "a seller"
        ),  # BT-28, 27
        seller_tax_id=seller.text("SpecifiedTaxRegistration/ID") or None,  # BT-31, 32
        seller_address=_address(address, "LineOne", "PostcodeCode", "CityName"),
        country=(address.text("CountryID") if address else "") or None,
        currency=_required(currency, "a currency"),
        lines_net=sums.amount("LineTotalAmount"),  # BT-106
        allowances=sums.amount("AllowanceTotalAmount") or _ZERO,  # BT-107
        charges=sums.amount("ChargeTotalAmount") or _ZERO,  # BT-108
        net=sums.amount("TaxBasisTotalAmount"),  # BT-109
        tax=sums.amount("TaxTotalAmount", currency),  # BT-110
        total=_signed(_required(sums.amount("GrandTotalAmount"), "a total"), credit=credit),  # BT-112
        prepaid=sums.amount("TotalPrepaidAmount") or _ZERO,  # BT-113
        rounding=sums.amount("RoundingAmount") or _ZERO,  # BT-114
        payable=sums.amount("DuePayableAmount"),  # BT-115
        taxes=tuple(
            Tax(
                rate=row.amount("RateApplicablePercent"),
                net=row.amount("BasisAmount"),
                amount=row.amount("CalculatedAmount"),
            )
            for row in settled.all("ApplicableTradeTax")
        ),
        line_items=tuple(_cii_line(line) for line in _bounded(deal, "IncludedSupplyChainTradeLineItem")),
    )


def _cii_line(line: Node) -> LineItem:
    return LineItem(
        description=line.text("SpecifiedTradeProduct/Name") or "–",
        quantity=line.amount("SpecifiedLineTradeDelivery/BilledQuantity"),
        unit_price=line.amount("SpecifiedLineTradeAgreement/NetPriceProductTradePrice/ChargeAmount"),
        total=line.amount("SpecifiedLineTradeSettlement/SpecifiedTradeSettlementLineMonetarySummation/LineTotalAmount"),
    )


def _ubl(root: Node) -> ElectronicInvoice:
    party = root.first("AccountingSupplierParty/Party")
    sums = root.first("LegalMonetaryTotal") or root.first("RequestedMonetaryTotal")
    if party is None or sums is None:
        raise InvoiceXmlError("it has no seller or no totals")
    currency = root.text("DocumentCurrencyCode")
    credit = root.name == "CreditNote" or root.text("InvoiceTypeCode") in _CREDIT_NOTES
    address = party.first("PostalAddress")
    amounts = [total for total in root.all("TaxTotal") if total.first("TaxSubtotal")] or list(root.all("TaxTotal"))
    return ElectronicInvoice(
        syntax="UBL",
        number=root.text("ID"),
        issued=_required(root.day("IssueDate"), "an issue date"),
        seller=_required(party.text("PartyName/Name", "PartyLegalEntity/RegistrationName"), "a seller"),
        seller_tax_id=party.text("PartyTaxScheme/CompanyID") or None,
        seller_address=_address(address, "StreetName", "PostalZone", "CityName"),
        country=(address.text("Country/IdentificationCode") if address else "") or None,
        currency=_required(currency, "a currency"),
        lines_net=sums.amount("LineExtensionAmount", currency),
        allowances=sums.amount("AllowanceTotalAmount", currency) or _ZERO,
        charges=sums.amount("ChargeTotalAmount", currency) or _ZERO,
        net=sums.amount("TaxExclusiveAmount", currency),
        tax=amounts[0].amount("TaxAmount", currency) if amounts else _ZERO,
        total=_signed(_required(sums.amount("TaxInclusiveAmount", currency), "a total"), credit=credit),
        prepaid=sums.amount("PrepaidAmount", currency) or _ZERO,
        rounding=sums.amount("PayableRoundingAmount", currency) or _ZERO,
        payable=sums.amount("PayableAmount", currency),
        taxes=tuple(
            Tax(
                rate=row.amount("TaxCategory/Percent"),
                net=row.amount("TaxableAmount", currency),
                amount=row.amount("TaxAmount", currency),
            )
            for row in (amounts[0].all("TaxSubtotal") if amounts else ())
        ),
        line_items=tuple(_ubl_line(line, currency) for line in _bounded(root, "InvoiceLine", "CreditNoteLine")),
    )


def _ubl_line(line: Node, currency: str) -> LineItem:
    return LineItem(
        description=line.text("Item/Name", "Item/Description") or "–",
        quantity=line.amount("InvoicedQuantity") or line.amount("CreditedQuantity"),
        unit_price=line.amount("Price/PriceAmount", currency),
        total=line.amount("LineExtensionAmount", currency),
    )


def _bounded(node: Node, *names: str) -> list[Node]:
    lines = [line for name in names for line in node.all(name)]
    if len(lines) > _MAX_LINES:
        raise InvoiceXmlError(f"it has more than {_MAX_LINES} lines")
    return lines


def _address(node: Node | None, *names: str) -> str | None:
    parts = [node.text(name) for name in names] if node else []
    return ", ".join(part for part in parts if part) or None


def _required(value: T | None, what: str) -> T:
    if value is None or value == "":
        raise InvoiceXmlError(f"it does not have {what}")
    return value


def _signed(total: Decimal, *, credit: bool) -> Decimal:
    return -abs(total) if credit else total
