"""How the countries of the samples print receipts: words, numbers, dates, whether prices hold the tax, coins."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from deployments.samples.model import Locale

_FIVE = Decimal("0.05")

_ENGLISH = {
    "total": "TOTAL",
    "subtotal": "Subtotal",
    "before_rounding": "Total before rounding",
    "rounding": "Rounding adjustment",
    "tip": "Tip",
    "cash": "Cash",
    "card": "Card",
    "change": "Change",
    "included": "incl.",
    "tax": "Tax",
    "rate": "Rate",
    "net": "Net",
    "gross": "Gross",
    "item": "Item",
    "quantity": "Qty",
    "price": "Price",
    "amount": "Amount",
    "number": "Receipt no:",
    "phone": "Tel:",
    "tax_id": "Tax ID:",
    "thanks": "Thank you, please come again",
}

US = Locale(
    "en", "US", "USD", "en_US", _ENGLISH | {"number": "Check #"}, "${}",
    date_format="MM/dd/yyyy", time_format="h:mm a", tax_included=False,
)  # fmt: skip
UK = Locale(
    "en", "GB", "GBP", "en_GB", _ENGLISH | {"tax": "VAT", "tax_id": "VAT No:"}, "£{}", date_format="dd/MM/yyyy",
)  # fmt: skip
MALAYSIA = Locale(
    "en", "MY", "MYR", "en_MY", _ENGLISH | {"tax": "SST", "tax_id": "SST ID:", "number": "Bill No:"}, "RM {}",
    date_format="dd/MM/yyyy", time_format="HH:mm:ss", tax_included=False, cash_step=_FIVE,
)  # fmt: skip
SINGAPORE = Locale(
    "en", "SG", "SGD", "en_SG", _ENGLISH | {"tax": "GST", "tax_id": "GST Reg No:"}, "S${}",
    date_format="dd/MM/yy", time_format="h:mm a",
)  # fmt: skip
INDIA = Locale(
    "en", "IN", "INR", "en_IN",
    _ENGLISH | {"tax_id": "GSTIN:", "number": "Invoice No:", "rounding": "Round Off", "before_rounding": "Gross Total"},
    "₹ {}", "#,##,##0.00", date_format="dd-MMM-yyyy", time_format="h:mm a", tax_included=False,
)  # fmt: skip
JAPAN = Locale(
    "en", "JP", "JPY", "en_US", _ENGLISH | {"tax": "Tax", "tax_id": "Reg. No."}, "¥{}", "#,##0", 0,
    date_format="yyyy/MM/dd",
)  # fmt: skip

GERMANY = Locale(
    "de", "DE", "EUR", "de_DE",
    {
        "total": "SUMME EUR", "subtotal": "Zwischensumme", "tip": "Trinkgeld", "cash": "Bar", "card": "EC-Karte",
        "change": "Rückgeld", "included": "inkl.", "tax": "MwSt", "rate": "MwSt", "net": "Netto", "gross": "Brutto",
        "item": "Artikel", "quantity": "Menge", "price": "Preis", "amount": "Betrag", "number": "Bon-Nr.",
        "phone": "Tel.", "tax_id": "USt-IdNr.", "thanks": "Vielen Dank für Ihren Einkauf!",
    },
)  # fmt: skip
SWITZERLAND = Locale(
    "de", "CH", "CHF", "de_CH",
    dict(GERMANY.labels) | {
        "total": "Total CHF", "before_rounding": "Summe", "rounding": "Rundung", "cash": "Barzahlung",
        "card": "Debitkarte", "change": "Rückgeld", "tax_id": "CHE-Nr.", "number": "Beleg",
    },
    cash_step=_FIVE,
)  # fmt: skip
FRANCE = Locale(
    "fr", "FR", "EUR", "fr_FR",
    {
        "total": "TOTAL TTC", "subtotal": "Sous-total", "tip": "Pourboire", "cash": "ESPECES", "card": "CARTE BANCAIRE",
        "change": "RENDU", "included": "dont", "tax": "TVA", "rate": "TVA", "net": "HT", "gross": "TTC",
        "item": "Article", "quantity": "Qté", "price": "P.U.", "amount": "Montant", "number": "Ticket n°",
        "phone": "Tél.", "tax_id": "TVA intra.", "thanks": "Merci de votre visite|À bientôt !",
    },
    "{} €", date_format="dd/MM/yyyy", time_format="HH'h'mm",
)  # fmt: skip
QUEBEC = replace(
    FRANCE, country="CA", currency="CAD", number_locale="fr_CA", money="{} $", date_format="yyyy-MM-dd",
    time_format="HH:mm", tax_included=False,
    labels=dict(FRANCE.labels) | {"total": "TOTAL", "card": "Débit", "number": "Facture", "tax_id": "TPS"},
)  # fmt: skip
SPAIN = Locale(
    "es", "ES", "EUR", "es_ES",
    {
        "total": "TOTAL", "subtotal": "Subtotal", "cash": "Efectivo", "card": "Tarjeta", "change": "Cambio",
        "included": "Incluye", "tax": "IVA", "rate": "IVA", "net": "Base", "gross": "Total", "item": "Descripción",
        "quantity": "Ud.", "price": "Precio", "amount": "Importe", "number": "Factura simpl.", "phone": "Tlf.",
        "tax_id": "CIF:", "thanks": "IVA incluido|Gracias por su visita",
    },
    "{} €", date_format="dd/MM/yyyy",
)  # fmt: skip
ITALY = Locale(
    "it", "IT", "EUR", "it_IT",
    {
        "total": "TOTALE COMPLESSIVO", "subtotal": "Subtotale", "cash": "Pagamento contante",
        "card": "Pagamento elettronico", "change": "Resto", "included": "di cui", "tax": "IVA", "rate": "IVA",
        "net": "Imponibile", "gross": "Totale", "item": "DESCRIZIONE", "quantity": "Q.tà", "price": "Prezzo",
        "amount": "EURO", "number": "DOCUMENTO N.", "phone": "Tel.", "tax_id": "P.IVA",
        "thanks": "Grazie e arrivederci",
    },
    date_format="dd-MM-yyyy",
)  # fmt: skip
NETHERLANDS = Locale(
    "nl", "NL", "EUR", "nl_NL",
    {
        "total": "TOTAAL", "subtotal": "Subtotaal", "before_rounding": "Bedrag", "rounding": "Afronding",
        "cash": "Contant", "card": "Pinpas", "change": "Wisselgeld", "included": "incl.", "tax": "BTW", "rate": "BTW",
        "net": "Over", "gross": "Totaal", "item": "Artikel", "quantity": "Aantal", "price": "Prijs", "amount": "Bedrag",
        "number": "Bon:", "phone": "Tel.", "tax_id": "BTW-nr.", "thanks": "Bedankt en tot ziens!",
    },
    "€ {}", date_format="dd-MM-yyyy", cash_step=_FIVE,
)  # fmt: skip
PORTUGAL = Locale(
    "pt", "PT", "EUR", "pt_PT",
    {
        "total": "TOTAL A PAGAR", "subtotal": "Subtotal", "cash": "Numerário", "card": "Multibanco", "change": "Troco",
        "included": "dos quais", "tax": "IVA", "rate": "Taxa", "net": "Base", "gross": "Total", "item": "Artigo",
        "quantity": "Qtd", "price": "Preço", "amount": "Valor", "number": "Fatura simplificada", "phone": "Telef.",
        "tax_id": "NIF:", "thanks": "Obrigado pela sua visita",
    },
    "{} €", date_format="dd/MM/yyyy",
)  # fmt: skip
FINLAND = Locale(
    "fi", "FI", "EUR", "fi_FI",
    {
        "total": "YHTEENSÄ", "subtotal": "Välisumma", "before_rounding": "Summa", "rounding": "Pyöristys",
        "cash": "Käteinen", "card": "Korttimaksu", "change": "Takaisin", "included": "sis.", "tax": "ALV",
        "rate": "ALV", "net": "Veroton", "gross": "Verollinen", "item": "Tuote", "quantity": "Kpl", "price": "Hinta",
        "amount": "Summa", "number": "Kuitti", "phone": "Puh.", "tax_id": "Y-tunnus", "thanks": "Kiitos käynnistä!",
    },
    date_format="d.M.yyyy", time_format="HH.mm", cash_step=_FIVE,
)  # fmt: skip
SWEDEN = Locale(
    "sv", "SE", "SEK", "sv_SE",
    {
        "total": "ATT BETALA", "subtotal": "Delsumma", "before_rounding": "Summa", "rounding": "Öresavrundning",
        "cash": "Kontant", "card": "Kontokort", "change": "Växel", "included": "varav", "tax": "Moms", "rate": "Moms%",
        "net": "Netto", "gross": "Brutto", "item": "Vara", "quantity": "Antal", "price": "Pris", "amount": "Belopp",
        "number": "Kvitto", "phone": "Tel.", "tax_id": "Org.nr", "thanks": "Välkommen åter!",
    },
    "{} kr", date_format="yyyy-MM-dd", cash_step=Decimal(1),
)  # fmt: skip
