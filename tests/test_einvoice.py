"""Electronic invoices are read from their XML where their own arithmetic holds and the page says the same."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from pdf_pages import RECEIPT, page, shown

from flows.domain.fields import ReceiptFields
from flows.reading.einvoice import InvoiceXmlError, read_invoice
from flows.reading.parser import parse_receipt
from flows.reading.reader import Reader

TODAY = dt.date(2026, 11, 29)
CII = """<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
 xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
 xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
<rsm:ExchangedDocument><ram:ID>R-471</ram:ID><ram:TypeCode>380</ram:TypeCode>
<ram:IssueDateTime><udt:DateTimeString format="102">20240314</udt:DateTimeString>
</ram:IssueDateTime></rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction>
<ram:IncludedSupplyChainTradeLineItem><ram:SpecifiedTradeProduct><ram:Name>Brot</ram:Name></ram:SpecifiedTradeProduct>
<ram:SpecifiedLineTradeAgreement><ram:NetPriceProductTradePrice><ram:ChargeAmount>2.50</ram:ChargeAmount>
</ram:NetPriceProductTradePrice></ram:SpecifiedLineTradeAgreement>
<ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode="C62">2</ram:BilledQuantity>
</ram:SpecifiedLineTradeDelivery>
<ram:SpecifiedLineTradeSettlement><ram:SpecifiedTradeSettlementLineMonetarySummation>
<ram:LineTotalAmount>5.00</ram:LineTotalAmount>
</ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement>
</ram:IncludedSupplyChainTradeLineItem>
<ram:ApplicableHeaderTradeAgreement><ram:SellerTradeParty><ram:Name>Bäckerei Grün GmbH</ram:Name>
<ram:PostalTradeAddress><ram:PostcodeCode>10115</ram:PostcodeCode><ram:LineOne>Ackerstr. 1</ram:LineOne>
<ram:CityName>Berlin</ram:CityName><ram:CountryID>DE</ram:CountryID></ram:PostalTradeAddress>
<ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">DE123456789</ram:ID></ram:SpecifiedTaxRegistration>
</ram:SellerTradeParty></ram:ApplicableHeaderTradeAgreement>
<ram:ApplicableHeaderTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
<ram:ApplicableTradeTax><ram:CalculatedAmount>0.35</ram:CalculatedAmount><ram:BasisAmount>5.00</ram:BasisAmount>
<ram:RateApplicablePercent>7</ram:RateApplicablePercent></ram:ApplicableTradeTax>
<ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:LineTotalAmount>5.00</ram:LineTotalAmount>
<ram:TaxBasisTotalAmount>5.00</ram:TaxBasisTotalAmount><ram:TaxTotalAmount currencyID="EUR">0.35</ram:TaxTotalAmount>
<ram:GrandTotalAmount>5.35</ram:GrandTotalAmount><ram:DuePayableAmount>5.35</ram:DuePayableAmount>
</ram:SpecifiedTradeSettlementHeaderMonetarySummation></ram:ApplicableHeaderTradeSettlement>
</rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>"""
UBL = """<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:ID>17</cbc:ID><cbc:IssueDate>2024-03-14</cbc:IssueDate><cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>
<cbc:DocumentCurrencyCode>SEK</cbc:DocumentCurrencyCode>
<cac:AccountingSupplierParty><cac:Party><cac:PartyName><cbc:Name>Söders Bageri</cbc:Name></cac:PartyName>
<cac:PostalAddress><cbc:StreetName>Götgatan 1</cbc:StreetName><cbc:CityName>Stockholm</cbc:CityName>
<cac:Country><cbc:IdentificationCode>SE</cbc:IdentificationCode></cac:Country></cac:PostalAddress>
<cac:PartyTaxScheme><cbc:CompanyID>SE556123456701</cbc:CompanyID>
</cac:PartyTaxScheme></cac:Party></cac:AccountingSupplierParty>
<cac:TaxTotal><cbc:TaxAmount currencyID="SEK">24.00</cbc:TaxAmount><cac:TaxSubtotal>
<cbc:TaxableAmount currencyID="SEK">200.00</cbc:TaxableAmount><cbc:TaxAmount currencyID="SEK">24.00</cbc:TaxAmount>
<cac:TaxCategory><cbc:Percent>12</cbc:Percent></cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal>
<cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID="SEK">210.00</cbc:LineExtensionAmount>
<cbc:TaxExclusiveAmount currencyID="SEK">200.00</cbc:TaxExclusiveAmount>
<cbc:TaxInclusiveAmount currencyID="SEK">224.00</cbc:TaxInclusiveAmount>
<cbc:AllowanceTotalAmount currencyID="SEK">10.00</cbc:AllowanceTotalAmount>
<cbc:PrepaidAmount currencyID="SEK">224.00</cbc:PrepaidAmount>
<cbc:PayableAmount currencyID="SEK">0.00</cbc:PayableAmount></cac:LegalMonetaryTotal>
<cac:InvoiceLine><cbc:InvoicedQuantity>3</cbc:InvoicedQuantity>
<cbc:LineExtensionAmount currencyID="SEK">210.00</cbc:LineExtensionAmount>
<cac:Item><cbc:Name>Bullar</cbc:Name></cac:Item><cac:Price><cbc:PriceAmount currencyID="SEK">70.00</cbc:PriceAmount>
</cac:Price>
</cac:InvoiceLine></Invoice>"""


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


def fields_of(reader: Reader, data: bytes) -> ReceiptFields:
    return parse_receipt(reader.extract(data), today=TODAY)


def main_fields(fields: ReceiptFields) -> tuple[str, ...]:
    found = (fields.merchant, fields.purchase_date, fields.total, fields.currency, fields.country)
    return tuple(str(each.value) for each in found if each)


@pytest.mark.parametrize(
    ("xml", "main"),
    [
        (CII, ("Bäckerei Grün GmbH", "2024-03-14", "5.35", "EUR", "DE")),
        (UBL, ("Söders Bageri", "2024-03-14", "224.00", "SEK", "SE")),
    ],
)
def test_bare_xml_is_read(reader: Reader, xml: str, main: tuple[str, ...]) -> None:
    fields = fields_of(reader, xml.encode())
    assert main_fields(fields) == main
    assert fields.decision == "accept" and all(check.held for check in fields.checks)
    assert len(fields.line_items) == 1 and fields.taxes[0].value.rate in {Decimal(7), Decimal(12)}
    assert reader.preview(xml.encode())[:2] == b"\xff\xd8"


PRINTED = shown([line.replace("7.05", "5.35").replace("GBP", "EUR") for line in RECEIPT])


def test_an_attached_invoice_is_read_beside_its_page(reader: Reader) -> None:
    fields = fields_of(reader, page(PRINTED, attached=("factur-x.xml", CII.encode())))
    assert main_fields(fields)[0] == "Bäckerei Grün GmbH"
    assert fields.decision == "accept"
    assert fields.total is not None and fields.total.bbox is not None


def test_an_attached_invoice_that_the_page_contradicts_goes_to_a_person(reader: Reader) -> None:
    fields = fields_of(reader, page(shown(RECEIPT), attached=("factur-x.xml", CII.encode())))
    assert fields.decision == "review"
    assert "total: the attached invoice says 5.35, which is not printed on the page" in fields.reasons
    assert Decimal("7.05") in [found.value for found in fields.candidates["total"]]


@pytest.mark.parametrize("attached", [b"<note>5.35</note>", b"<rsm:CrossIndustryInvoice/>", b"\xff\xfe\x00", b""])
def test_an_attachment_that_is_no_invoice_says_nothing(reader: Reader, attached: bytes) -> None:
    fields = fields_of(reader, page(shown(RECEIPT), attached=("other.xml", attached)))
    assert fields.total is not None and fields.total.value == Decimal("7.05")
    assert fields.decision == "accept"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("<ram:GrandTotalAmount>5.35", "<ram:GrandTotalAmount>9.35", "arithmetic fails"),
        ("<ram:LineTotalAmount>5.00", "<ram:LineTotalAmount>6.00", "arithmetic fails"),
        (">0.35</ram:CalculatedAmount>", ">0.30</ram:CalculatedAmount>", "arithmetic fails"),
        ("<ram:TypeCode>380", "<ram:TypeCode>381", "not a purchase"),
        ("20240314", "20990314", "later than today"),
        (">EUR</ram:InvoiceCurrencyCode>", ">XXZ</ram:InvoiceCurrencyCode>", "currency: XXZ"),
    ],
)
def test_an_invoice_that_does_not_add_up_goes_to_a_person(reader: Reader, old: str, new: str, reason: str) -> None:
    assert old in CII
    fields = fields_of(reader, CII.replace(old, new).encode())
    assert fields.decision == "review"
    assert any(reason in said for said in fields.reasons)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
FILE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("xml", "problem"),
    [
        (BOMB + CII, "document type"),
        (FILE + CII.partition("?>")[2].replace("R-471", "&a;"), "document type"),
        ("<Invoice>" + "<a>" * 100, "nested too deeply"),
        ("<Invoice><ID>1</ID>", "not well formed"),
        (CII.replace("20240314", "20241399"), "is no date"),
        (CII.replace("GrandTotalAmount>5.35", "GrandTotalAmount>NaN"), "no amount"),
        (CII.replace("GrandTotalAmount>5.35", "GrandTotalAmount>1e999999"), "no amount"),
        (CII.replace("GrandTotalAmount>5.35", "GrandTotalAmount>five"), "no number"),
        (CII.replace("<ram:Name>Bäckerei Grün GmbH</ram:Name>", ""), "a seller"),
        ("<Invoice>" + " " * 2_000_001 + "</Invoice>", "characters"),
    ],
)
def test_hostile_xml_is_refused(xml: str, problem: str) -> None:
    with pytest.raises(InvoiceXmlError, match=problem):
        read_invoice(xml)
