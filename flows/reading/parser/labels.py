"""What a label says that the amount beside it is: total, subtotal, tax, cash … and how strongly it says so."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flows.reading.parser.concepts import concepts_of
from flows.reading.parser.folding import fold, squeeze


@dataclass(frozen=True)
class Label:
    """`kind` is one of total, subtotal, tax, rounding, discount, service, tip, cash, card, change, count, points,
    balance, deposit, voucher, amount, partial (of one tax rate), table, conversion (into another currency), suggestion
    (a tip that nobody has given yet) or `` (none); `strength` orders labels of one kind, 0 to 3."""

    kind: str = ""
    strength: float = 0.0


NO_LABEL = Label()
# What the keys of cash registers are called.
_TILL_KEYS = {"tl": Label("total", 2.0), "cg": Label("change", 2), "st": Label("subtotal", 2), "ca": Label("cash", 2)}
_SUBTOTAL = re.compile(r"sub\s?-?\s?tota|s[uo][bu][ -]?tot|sous[ -]?total|zwischen|\bsub\b|\bs[/-] ?total")
_FINAL_PHRASES = (
    "zuzahlen", "netapayer", "totalapagar", "amountdue", "balancedue", "totaldue", "grandtotal", "totalttc",
    "amountpayable", "totalpayable", "tebetalen", "attbetala", "apagar", "dapagare", "totalecomplessivo",
    "totalamount", "netttotal", "nettotal", "nettamount", "netamount", "totalrounded", "roundedtotal",
    "totalbayar", "topay", "toplamtutar", "deplata",
    "amountcharged", "totalcharged", "kplatbe", "asuocarico", "zahlbetrag", "acobrar", "belastet", "addebitato",
    "รวมทงสน", "montantdu", "sommedue", "resteapayer",
)  # fmt: skip
_TAX_WITHIN = re.compile(
    r"(?:incl|inc|enth|compris|contenu)\w*\.? in\b|\bdont\b|di cui|waarvan|varav|davon|hiervon|thereof|tax portion"
)
# A currency mark read as the end of the word before it: `Grand TotalRM14.20`.
_GLUED_MARK = re.compile(r"(?:(?<=[a-z])|(?<=TOTAL))(?:RM|EUR|USD|SGD|GBP|CHF|AUD|CAD)\s*$")
_NOT_TABLE = re.compile(r"invoice|\bno\b|\bid\b|\breg\b|price|\bqty\b|quantity|description|\bitem")
_TABLE_WORDS = re.compile(
    r"summary|analysis|\bcode\b|\brate\b|%|satz|taux|tipo|aliquota|gruppe|\bbase\b|\bsum|goods|\bamt|amount|netto|"
    r"brutto|\bnet\b|\bht\b|\bttc\b|montant|\bover\b|\beur\b|grondslag|grundlag|veroton|verollinen|zaklad|\bdan\b|"
    r"imponibile|imposta|\baliq|tutar|stawka|kwota|\bkod\b|\bkurs\b|\bmaks|bedrag|belopp|\bbelob"
)


_CONVERSION = re.compile(
    r"\b(?:in|en|em|w|v) (?:eur|euro|euros|usd|us-?dollars?|dollars?|gbp|chf|fremdwahrung)\b|wechselkurs|umrechnung|"
    r"\bkurs\b|exchange rate|conversion|\bfx\b|taux de change|tipo de cambio|tasso di cambio|equivalent|gegenwert"
)
_SUGGESTION = re.compile(
    r"suggest|recommend|sugerid|proposed|tip guide|gratuity guide|tip calc|for your convenience|tip options|"
    r"conseill|suggerit|empfohlen|vorschlag"
)
_WITH_TIP = re.compile(
    r"\bc/ ?propin|\+ ?propin|\+ ?tip\b|\bcon propina|\bwith (?:tip|gratuity)\b|\bincl\.? (?:tip|gratuity)\b"
)
_COUNTED = re.compile(
    r"(?:artikel|articles?|items?|positionen|pos|stk|pcs|szt|tuotteet)\W{0,3}\d{1,3}\b|"
    r"\b\d{1,3} (?:artikel|articles?|items?|pos\b|stk|pcs|szt)"
)
COUNTED_TOTAL = Label("total", 1.5)


def converts(text: str) -> bool:
    """Tell whether a label says that its amount is the total in another currency, or the rate for it."""
    return _CONVERSION.search(fold(text)) is not None


def suggests_tip(text: str) -> bool:
    """Tell whether a text heads tips that are only suggested, or names the total with one."""
    return _SUGGESTION.search(fold(text)) is not None and not concepts_of(text).isdisjoint({"TIP", "TOTAL"})


def with_tip(text: str) -> bool:
    """Tell whether a total is named as the one with a tip, beside one without."""
    return _WITH_TIP.search(fold(text)) is not None


def counts_beside(text: str) -> bool:
    """Tell whether a total's label holds the number of articles itself: `Total Artikel:4  147.25`."""
    return "TOTAL" in concepts_of(text) and _COUNTED.search(fold(text)) is not None


def heads_tax_table(text: str) -> bool:
    """Tell whether a line without amounts heads a table of taxes."""
    folded = fold(text)
    if (
        "TAX" not in concepts_of(text)
        or _NOT_TABLE.search(folded)
        or re.search(r"\d", re.sub(r"\d+([.,]\d+)? ?%", "", folded))
    ):
        return False
    return len(set(_TABLE_WORDS.findall(folded))) >= 2 or "summary" in folded or "analysis" in folded


@dataclass(frozen=True)
class _Said:
    """What a label's text says, in the forms that the rules ask about."""

    concepts: frozenset[str]
    folded: str
    squeezed: str
    final: bool

    @classmethod
    def of(cls, text: str) -> _Said:
        squeezed = squeeze(text)
        final = any(phrase in squeezed for phrase in _FINAL_PHRASES)
        return cls(concepts_of(text) - {"OTHER"}, fold(text), squeezed, final)


def label_of(text: str) -> Label:
    """Classify the text beside (usually left of) an amount."""
    said = _Said.of(_GLUED_MARK.sub("", text))
    if said.squeezed in _TILL_KEYS:
        return _TILL_KEYS[said.squeezed]
    if not said.concepts and not said.final:
        return NO_LABEL
    for rule in (_count_like, _reduction, _rounding, _totals, _payments, _charges):
        label = rule(said)
        if label is not None:
            return label
    return NO_LABEL


def _count_like(said: _Said) -> Label | None:
    if "TAXED" in said.concepts or ("umsatz" in said.folded and "%" in said.folded):
        return Label("partial", 1)
    if "POINTS" in said.concepts:
        return Label("points", 2)
    if "COUNT" in said.concepts and not said.concepts & {"CHANGE", "ROUND", "CASH"}:
        incl = said.concepts & {"INCL", "TAX", "DUE", "GRAND"}
        return Label("total", 1.5) if "TOTAL" in said.concepts and incl else Label("count", 2)
    if said.squeezed == "balance":
        return Label("total", 1.2)  # of the sale, or of a card: arithmetic tells
    if "BALANCE" in said.concepts and not said.concepts & {"DUE", "TOTAL", "CHANGE"}:
        return Label("balance", 1)
    return None


def _reduction(said: _Said) -> Label | None:
    if "DISCOUNT" not in said.concepts or {"TOTAL", "INCL"} <= said.concepts or "after" in said.squeezed:
        return None
    return Label("discount", 2)


def _rounding(said: _Said) -> Label | None:
    if "ROUNDED" in said.concepts or (
        "ROUND" in said.concepts and "TOTAL" in said.concepts and "after" in said.squeezed
    ):
        return Label("total", 3)
    if "ROUND" in said.concepts and not said.concepts & {"GRAND"}:
        return Label("rounding", 2)
    return None


def _totals(said: _Said) -> Label | None:
    if "CHANGE" in said.concepts and "TOTAL" not in said.concepts:
        return Label("change", 2)
    if "SUB" in said.concepts or _SUBTOTAL.search(said.folded):
        return Label("subtotal", 2)
    if "TAX" in said.concepts and _TAX_WITHIN.search(said.folded):
        return Label("tax", 1.5)
    if "EXCL" in said.concepts and "INCL" not in said.concepts:
        return Label("partial" if _partial(said) else "subtotal", 1.5)
    if "TOTAL" in said.concepts or said.final:
        return Label("partial", 1) if _partial(said) else _total(said)
    return None


def _partial(said: _Said) -> bool:
    """Tell whether a total is that of one tax rate only: `Total 6% supplies`, `Total A 19%`."""
    return (
        re.search(r"\d ?%", said.folded) is not None
        and not said.concepts & {"DUE", "GRAND", "AMOUNT"}
        and "suppl" in said.folded
    )


def _total(said: _Said) -> Label | None:
    if said.concepts & {"CASH", "CARD"} and not said.final and "INCL" not in said.concepts:
        return Label("cash" if "CASH" in said.concepts else "card", 1)
    if "totalincludes" in said.squeezed:
        return Label("total", 1.2)  # of the tax in it, or with the tax in it: arithmetic tells
    if "TAX" in said.concepts and "totalsales" in said.squeezed:
        return Label("total", 2)
    if "TAX" in said.concepts and not said.concepts & {"INCL", "GROSS", "DUE"} and not said.final:
        return Label("tax", 2)
    if (
        said.concepts & {"SERVICE", "TIP"}
        and not said.concepts & {"INCL"}
        and not said.final
        and not {"plus", "+"} & set(said.folded.split())
    ):
        return Label("service", 1)
    return Label(
        "total", 3 if said.final else 2.5 if said.concepts & {"INCL", "GROSS", "AMOUNT", "GRAND", "DUE"} else 2.2
    )


def _payments(said: _Said) -> Label | None:
    for concept in ("CHANGE", "TIP", "CASH", "CARD", "VOUCHER"):
        if concept in said.concepts and "TAX" not in said.concepts:
            return Label(concept.lower(), 2)
    return None


def _charges(said: _Said) -> Label | None:
    if {"DUE", "INCL"} <= said.concepts:
        return Label("total", 2.5)  # `DUE VAT INCL`
    if "TAX" in said.concepts:
        return Label("subtotal", 1) if "NET" in said.concepts else Label("tax", 1.5)
    if "DUE" in said.concepts:
        return Label("total", 2.5)
    for concept, kind, strength in (
        ("SERVICE", "service", 1.5),
        ("DEPOSIT", "deposit", 1),
        ("NET", "total", 1.2),
        ("GROSS", "total", 1.2),
        ("AMOUNT", "amount", 1),
    ):
        if concept in said.concepts:
            return Label(kind, strength)
    return None
