"""Labels: what the text beside an amount says it is, in nine languages and through OCR slips."""

from __future__ import annotations

import pytest

from flows.reading.parser.labels import heads_tax_table, label_of

LABELS = {
    "total": "Total|Grand Total|zu zahlen|Summe EUR|TOTAL TTC|Net à payer|Total a pagar|Totale complessivo|Te betalen|"
    "Totaal|YHTEENSÄ|"
    "Att betala|Total Payable|Balance due|AMOUNT DUE|Total Rounded|Total After Adj Incl GST|Gesamtbetrag|"
    "Tota|/Sales (Inciusive of GST)|Totai|T0TAL|TOTALSALES|合計|Valor total|Total Bayar",
    "subtotal": "Sub Total|SUB-TOTAL_(GST)|Zwischensumme|Total HT|Total Excl.6% GST|Netto-Warenwert: (b)|"
    "Subtotaal|小計",
    "tax": "GST 6%|Total GST|incl. 19,00% Mwst (b)|TVA 20%|di cui IVA|Varav moms|GST @6% included in total|"
    "TAX TOTAL|CGST 2.5%",
    "rounding": "Rounding Adj|ROUNDING|Öresavrundning|Round Off|Cash Rounding",
    "discount": "Coupon Discount|Rabatt|Total Savings|YOUR SAVINGS FOR TODAY|Remise|Descuento|Korting",
    "cash": "CASH|BAR|GEGEBENBAR|Espèces|Efectivo|Contanti|Contant|Kontant|CASHRM|Cash Tendered|Tunai",
    "card": "VISA|EC LASTSCHRIFT|Kreditkarte|girocard|Tarjeta|Bancomat|Kortti|Debit",
    "change": "Change|Rückgeld|Rendu|Cambio|Resto|Wisselgeld|Troco|Växel|Item Count 1 Change Amt|CHANGE DUE|お釣り",
    "count": "Total Qty|Item(s) : 4  Qty(s) :|Anzahl Artikel|Total Item",
    "points": "Points Awarded|12 Punkte erhalten",
    "partial": "Total 6% supplies (Inc. GST)|Total 0% supplies",
    "service": "Service Charge|10% Srv Chg|Coperto",
    "tip": "Tip|Trinkgeld|Pourboire",
    "": "Croissant|Tarte citron|Exchange|Milk|Cashier",
}  # fmt: skip
CASES = [(text, kind) for kind, listed in LABELS.items() for text in listed.replace("Tota|/", "Tota\0/").split("|")]


@pytest.mark.parametrize(("text", "kind"), CASES)
def test_kind(text: str, kind: str) -> None:
    assert label_of(text.replace("\0", "|")).kind == kind


def test_a_currency_mark_glued_to_the_label_does_not_hide_it() -> None:
    assert label_of("Grand TotalRM") == label_of("Grand Total RM")
    assert label_of("TOTALEUR") == label_of("TOTAL")
    assert label_of("FARM").kind == ""


def test_what_is_due_outranks_a_mere_total() -> None:
    assert label_of("Total payable").strength > label_of("Total incl. GST").strength > label_of("Total").strength


@pytest.mark.parametrize(
    ("text", "heads"),
    [
        ("GST Summary  Amount(RM)  Tax(RM)", True),
        ("MwSt  NETTO  MwSt UMSATZ", True),
        ("Tax Code % Amt (RM) Tax(RM)", True),
        ("TAX INVOICE", False),
        ("GST ID. NO : 000181747712", False),
        ("GST @ 6%", False),
        ("Item Qty Price Amount Tax", False),
    ],
)
def test_heads_of_tax_tables(text: str, heads: bool) -> None:
    assert heads_tax_table(text) is heads
