"""What a label says that the amount beside it is: total, subtotal, tax, cash … and how strongly it says so."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flows.parse.concepts import concepts_of
from flows.parse.folding import fold, squeeze


@dataclass(frozen=True)
class Label:
    """`kind` is one of total, subtotal, tax, rounding, discount, service, tip, cash, card, change, count, points,
    balance, deposit, voucher, amount or `` (none); `strength` orders labels of one kind, 0 to 3."""

    kind: str = ""
    strength: float = 0.0


NO_LABEL = Label()
_SUBTOTAL = re.compile(r"sub\s?-?\s?tota|s[uo][bu][ -]?tot|sous[ -]?total|zwischen|\bsub\b|\bs/total")
_FINAL_PHRASES = (
    "zuzahlen", "netapayer", "totalapagar", "amountdue", "balancedue", "totaldue", "grandtotal", "totalttc", "amountpayable",
    "totalpayable", "tebetalen", "attbetala", "apagar", "dapagare", "totalecomplessivo", "totalamount", "netttotal", "nettotal",
    "nettamount", "netamount", "totalrounded", "roundedtotal", "totalbayar", "topay", "toplamtutar",
)  # fmt: skip


_TAX_WITHIN = re.compile(
    r"(?:incl|inc|enth|compris|contenu)\w*\.? in\b|\bdont\b|di cui|waarvan|varav|davon|hiervon|thereof|tax portion"
)
_NOT_TABLE = re.compile(r"invoice|\bno\b|\bid\b|\breg\b|price|\bqty\b|quantity|description|\bitem")
_TABLE_WORDS = re.compile(
    r"summary|analysis|\bcode\b|\brate\b|%|satz|taux|tipo|aliquota|gruppe|\bbase\b|\bsum|goods|\bamt|amount|netto|brutto|\bnet\b|\bht\b"
)


def heads_tax_table(text: str) -> bool:
    """Tell whether a line without amounts heads a table of taxes."""
    folded = fold(text)
    if "TAX" not in concepts_of(text) or _NOT_TABLE.search(folded) or re.search(r"\d", re.sub(r"\d+([.,]\d+)? ?%", "", folded)):
        return False
    return len(set(_TABLE_WORDS.findall(folded))) >= 2 or "summary" in folded or "analysis" in folded


def label_of(text: str) -> Label:
    """Classify the text beside (usually left of) an amount."""
    concepts = concepts_of(text) - {"OTHER"}
    squeezed = squeeze(text)
    if not concepts and not any(phrase in squeezed for phrase in _FINAL_PHRASES):
        return NO_LABEL
    for rule in (_count_like, _reduction, _rounding, _totals, _payments, _charges):
        label = rule(concepts, text, squeezed)
        if label is not None:
            return label
    return NO_LABEL


def _count_like(concepts: frozenset[str], text: str, squeezed: str) -> Label | None:
    if "POINTS" in concepts:
        return Label("points", 2)
    if "COUNT" in concepts and not concepts & {"CHANGE", "ROUND", "CASH"}:
        incl = concepts & {"INCL", "TAX", "DUE", "GRAND"}
        return Label("total", 1.5) if "TOTAL" in concepts and incl else Label("count", 2)
    if "BALANCE" in concepts and not concepts & {"DUE", "TOTAL", "CHANGE"}:
        return Label("balance", 1)
    return None


def _reduction(concepts: frozenset[str], text: str, squeezed: str) -> Label | None:
    if "DISCOUNT" not in concepts or {"TOTAL", "INCL"} <= concepts or "after" in squeezed:
        return None
    return Label("discount", 2)


def _rounding(concepts: frozenset[str], text: str, squeezed: str) -> Label | None:
    if "ROUNDED" in concepts or ("ROUND" in concepts and "TOTAL" in concepts and "after" in squeezed):
        return Label("total", 3)
    if "ROUND" in concepts and not concepts & {"GRAND"}:
        return Label("rounding", 2)
    return None


def _totals(concepts: frozenset[str], text: str, squeezed: str) -> Label | None:
    if "CHANGE" in concepts and "TOTAL" not in concepts:
        return Label("change", 2)
    if "SUB" in concepts or _SUBTOTAL.search(fold(text)):
        return Label("subtotal", 2)
    final = any(phrase in squeezed for phrase in _FINAL_PHRASES)
    if "TAX" in concepts and _TAX_WITHIN.search(fold(text)):
        return Label("tax", 1.5)
    if "EXCL" in concepts and "INCL" not in concepts:
        return Label("partial" if _partial(text, concepts) else "subtotal", 1.5)
    if "TOTAL" in concepts or final:
        return Label("partial", 1) if _partial(text, concepts) else _total(concepts, squeezed, final=final)
    return None


def _partial(text: str, concepts: frozenset[str]) -> bool:
    """Tell whether a total is that of one tax rate only: `Total 6% supplies`, `Total A 19%`."""
    return re.search(r"\d ?%", text) is not None and not concepts & {"DUE", "GRAND", "AMOUNT"} and "suppl" in fold(text)


def _total(concepts: frozenset[str], squeezed: str, *, final: bool) -> Label | None:
    if concepts & {"CASH", "CARD"} and not final and "INCL" not in concepts:
        return Label("cash" if "CASH" in concepts else "card", 1)
    if "totalincludes" in squeezed:
        return Label("total", 1.2)  # of the tax in it, or with the tax in it: arithmetic tells
    if "TAX" in concepts and "totalsales" in squeezed:
        return Label("total", 2)
    if "TAX" in concepts and not concepts & {"INCL", "GROSS", "DUE"} and not final:
        return Label("tax", 2)
    if concepts & {"SERVICE", "TIP"} and not concepts & {"INCL"} and not final and "plus" not in squeezed:
        return Label("service", 1)
    return Label("total", 3 if final else 2.5 if concepts & {"INCL", "GROSS", "AMOUNT", "GRAND", "DUE"} else 2.2)


def _payments(concepts: frozenset[str], text: str, squeezed: str) -> Label | None:
    for concept in ("CHANGE", "TIP", "CASH", "CARD", "VOUCHER"):
        if concept in concepts and "TAX" not in concepts:
            return Label(concept.lower(), 2)
    return None


def _charges(concepts: frozenset[str], text: str, squeezed: str) -> Label | None:
    if "TAX" in concepts:
        return Label("subtotal", 1) if "NET" in concepts else Label("tax", 1.5)
    if "DUE" in concepts:
        return Label("total", 2.5)
    for concept, kind, strength in (
        ("SERVICE", "service", 1.5), ("DEPOSIT", "deposit", 1), ("NET", "total", 1.2), ("GROSS", "total", 1.2), ("AMOUNT", "amount", 1),
    ):  # fmt: skip
        if concept in concepts:
            return Label(kind, strength)
    return None
