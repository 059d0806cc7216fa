"""The words that label amounts on receipts, by concept and in every supported language.

Words are folded (lower case, no accents). A word of five letters or more is found with an OCR slip in it and inside
glued words (`TOTALSALES`); shorter ones only whole. `OTHER` holds words that merely look like a label's.
"""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from flows.parse.folding import as_letters, words

_WORDS: dict[str, str] = {
    "TOTAL": "total totals ttl tot totaal totale totalt summe summa gesamt gesamtbetrag gesamtsumme endbetrag endsumme somme yhteensa "
    "loppusumma jumlah totalbelopp rechnungsbetrag totalbetrag toplam celkem razem suma totalsales jumla 合計 合计 总计 total€",
    "SUB": "subtotal sub zwischensumme subtotaal subtotale delsumma valisumma soustotal sous parcial imponibile subjumlah zws 小計 "
    "subtotal1 zwsumme warenwert",
    "GRAND": "grand final overall totalgeneral bayar complessivo",
    "DUE": "due payable zahlen zahlbetrag payer apagar pagar betalen betala betale maksettava maksaa bezahlen pago pagare "
    "outstanding zuzahlen tobepaid dibayar netapayer お会計 ご請求額",
    "AMOUNT": "amount amt betrag montant importe importo bedrag belopp summan valor amounts price amoun",
    "NET": "net nett netto neto liquido",
    "GROSS": "gross brutto bruto ttc",
    "TAX": "tax taxes gst sst vat mwst ust mehrwertsteuer umsatzsteuer tva iva btw alv moms igv ppn pb1 hst pst qst cgst sgst igst "
    "mva kdv steuer impuesto impuestos imposto taxe servicetax mwstbetrag must mhst hwst 消費税 内税 外税 pajak cukai",
    "INCL": "incl inc inclusive atf aft including included inkl inklusive compris con incluido ttc after with iva-incl inclu inclus mit 税込",
    "EXCL": "excl exc excluding exclusive exkl ohne hors ht before without zonder senza sin sem exkludering 税抜",
    "ROUND": "rounding round rundung arrondi redondeo arrotondamento afronding arredondamento pyoristys avrundning pembulatan "
    "oresavrundning adj adjustment rnd roundg rouding",
    "ROUNDED": "rounded gerundet arrondie afgerond avrundat",
    "DISCOUNT": "discount discounts rabatt remise descuento sconto korting desconto alennus rabais reduction disc promo nachlass "
    "saving savings saved ersparnis gespart hemat diskon coupon voucherdisc ahorro risparmio poupanca save potongan promotion",
    "SERVICE": "service servicecharge svc srv chg charge charges surcharge servis bedienung bediening servizio servico servicio coperto",
    "TIP": "tip tips gratuity trinkgeld pourboire propina mancia fooi gorjeta dricks",
    "CASH": "cash gotowka hotove nakit bar gegeben bargeld especes efectivo contanti contante contant dinheiro kateinen kontant tunai tendered tender "
    "tendred gegebenbar barzahlung recibido entregado erhalten received paid recu paye 現金 お預り betaald pagato pagado ricevuto "
    "numerario cashtendered cashpaid payment paymnt",
    "CARD": "visa mastercard master card karte kartenzahlung kreditkarte girocard eccash eckarte ec cb carte tarjeta carta cartao "
    "bancomat pin kortti kort amex debit credit maestro lastschrift kredit debet vpay contactless kontaktlos electronic elec bankcard "
    "tng duitnow alipay wechat paypal twint ideal bancontact kartu edc クレジット",
    "CHANGE": "change reszta vratka paraustu iade ruckgeld rueckgeld rendu cambio resto wisselgeld troco vaihtoraha vaxel kembali kembalian wechselgeld monnaie "
    "baki changedue vuelto zuruck お釣り changes",
    "COUNT": "qty qnty quantity items item artikel articles articulos articoli artikelen itens pcs posten anzahl count tuotteet antal "
    "stuck stk nos pieces unit units weight 点数",
    "POINTS": "points punkte point bonus points: payback punten puntos punti pontos bits miles stamp stamps loyalty member treuemarken "
    "coupons umsatz poin",
    "BALANCE": "balance saldo restbetrag kontostand balances guthaben",
    "DEPOSIT": "deposit pfand consigne leergut statiegeld pantti pant anzahlung",
    "VOUCHER": "voucher gutschein giftcard bon cadeau vale buono cheque ticketrestaurant",
    "OTHER": "exchange cashier kassierer cashback totally customer discounted description invoice subject barcode barista "
    "salesperson amounts taxable taxinvoice serviced approval approved station",
}  # fmt: skip

_CONCEPT_OF: dict[str, str] = {word: concept for concept, listed in _WORDS.items() for word in listed.split()}
_LONG = tuple(word for word in _CONCEPT_OF if len(word) >= 5)
_GLUABLE = tuple(
    word
    for word in _LONG
    if len(word) >= 5
    and word.isascii()
    and _CONCEPT_OF[word] in {"TOTAL", "SUB", "CASH", "CHANGE", "ROUND", "DISCOUNT", "DUE", "AMOUNT", "ROUNDED"}
)
_MIN_SIMILARITY = 0.79  # one slip in five letters


@lru_cache(maxsize=20_000)
def concepts_of_word(word: str) -> frozenset[str]:
    """Return the concepts that one folded word stands for, reading through one OCR slip and glued words."""
    if word in _CONCEPT_OF:
        return frozenset({_CONCEPT_OF[word]})
    word = as_letters(word)
    if word in _CONCEPT_OF:
        return frozenset({_CONCEPT_OF[word]})
    if len(word) < 4 or len(word) > 40:
        return _within(word)
    if len(word) >= 5:
        best = process.extractOne(word, _LONG, scorer=Levenshtein.normalized_similarity, score_cutoff=_MIN_SIMILARITY)
        if best is not None:
            return frozenset({_CONCEPT_OF[best[0]]})
    return _within(word)


def _within(word: str) -> frozenset[str]:
    if not word.isascii():
        return frozenset(concept for listed, concept in _CONCEPT_OF.items() if not listed.isascii() and listed in word)
    if word.startswith("cash") and not word.startswith("cashi"):
        return frozenset({"CASH"})
    return frozenset(_CONCEPT_OF[listed] for listed in _GLUABLE if listed in word)


def concepts_of(text: str) -> frozenset[str]:
    """Return all concepts that a label's words stand for."""
    found: set[str] = set()
    for word in words(text.replace("|", "l")):
        found |= concepts_of_word(word)
    return frozenset(found)
