"""The smaller fields: address, phone, tax number, receipt number, payments, language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from flows.domain.fields import Found, Payment
from flows.reading.parser import names
from flows.reading.parser.folding import fold, words
from flows.reading.parser.lines import Line, Money
from flows.reading.parser.rows import enclosing

T = TypeVar("T")
_PHONE = re.compile(
    r"(?:\btel(?:efon|ephone|\.|:|\b)|\bte1\b|\bphone|\bph(?:one)?\s*[:.]|\bfon\b|\btlf|\bpuh|\bt\s*[:.]|\bhp\b|"
    r"\bmobile)[^\d+(]{0,12}(?P<number>[+(]?\d[\d\s\-/().]{5,20}\d)",
    re.IGNORECASE,
)
_BARE_PHONE = re.compile(
    r"^[^\w(+]*(?P<number>(?:\+\d{1,3}[\s\-.]?)?\(?\d{2,5}\)?[\s\-./]\s?\d{3,4}[\s\-.]?\d{3,4})\W*$"
)
_TAX_LABEL = re.compile(
    r"(?<![^\W\d_])(?:gst|vat|sst|ust|u[mn]st|mwst|tva|iva|btw|alv|moms|uid|tax|gstin|abn|nif|cif|npwp|cnpj|rfc|"
    r"trn|siret|y-tunnus|org\.?\s*n[ro]|kvk|steuer|contribuinte|che)"
    r"[^\d]{0,28}?(?P<id>(?:[A-Z]{2,3}[\s\-]?)?\d[\d\s.\-/]{6,18}[\dA-Z])",
    re.IGNORECASE,
)
_RECEIPT_NUMBER = re.compile(
    r"(?:invoice|inv|receipt|rcpt|bill|doc|slip|check|chk|bon|beleg|rechnung(?:s)?|quittung|ticket|facture|"
    r"factura|fattura|documento|recibo|fatura|kuitti|kvitto|trans(?:action)?|order|cn|c/n|token)"
    r"[\s\-]*(?:no|nr|num(?:ber|ero|mer)?|n[°º]|id|#)?\s*[.:#°]*\s*(?P<number>[A-Z#]{0,4}[\w\-/]*\d[\w\-/]*)",
    re.IGNORECASE,
)
_RECEIPT_WORDS_RANK = (
    "invoice",
    "inv",
    "receipt",
    "rcpt",
    "bill",
    "doc",
    "bon",
    "beleg",
    "rechnung",
    "ticket",
    "facture",
    "factura",
    "slip",
)
_METHODS = (
    (
        "mobile",
        re.compile(
            r"paypal|alipay|wechat|apple ?pay|google ?pay|twint|swish|mobilepay|tng|touch ?n ?go|duitnow|"
            r"grab ?pay|boost|vipps|bizum|ovo|gopay"
        ),
    ),
    ("cheque", re.compile(r"cheque|scheck|\bcheck paid")),
    ("transfer", re.compile(r"transfer|uberweisung|virement|bonifico")),
    ("voucher", re.compile(r"voucher|gutschein|gift ?card|vale|buono|cadeau")),
)
_LANGUAGE_WORDS = {
    "en": "the and thank you please total cash change receipt invoice date goods sold",
    "de": "und summe danke vielen dank fur ihren einkauf mwst bar ruckgeld rechnung datum betrag strasse uhr sie",
    "fr": "le la les merci votre visite total ttc tva especes rendu monnaie facture bonjour carte et",
    "es": "el la gracias por su compra total efectivo cambio fecha factura iva tarjeta y de",
    "it": "il grazie totale euro contanti resto documento commerciale iva scontrino arrivederci e di",
    "nl": "bedankt voor uw bezoek totaal btw pinnen contant wisselgeld bon datum en het van",
    "pt": "obrigado pela preferencia total iva troco fatura contribuinte data dinheiro e do",
    "fi": "kiitos yhteensa alv kortti kateinen kuitti paivays tervetuloa sis",
    "sv": "tack valkommen totalt summa moms kvitto kort kontant datum och att betala varav",
    "ms": "terima kasih sila datang lagi jumlah tunai baki cukai",
    "id": "terima kasih tunai kembali jumlah harga pajak kasir",
}


def find_phone(lines: Sequence[Line]) -> Found[str] | None:
    """Return the first labelled phone number, or else the first bare one in the head."""
    for line in lines:
        match = _PHONE.search(line.raw)
        if match and not fold(line.raw).lstrip().startswith("fax"):
            number = re.split(r"(?i)\s*/\s*(?=\d{3,}-)|\s{2,}", match["number"])[0]
            return _found(number.strip(" -/."), line, 0.9, match.start("number"), match.end("number"))
    for line in lines[:12]:
        match = _BARE_PHONE.match(line.raw)
        if match and not line.dates:
            return _found(match["number"].strip(), line, 0.7, match.start("number"), match.end("number"))
    return None


def find_tax_id(lines: Sequence[Line]) -> Found[str] | None:
    """Return the merchant's tax number."""
    for line in lines:
        match = _TAX_LABEL.search(line.raw)
        if match and sum(char.isdigit() for char in match["id"]) >= 8 and not line.money:
            return _found(re.sub(r"\s+", " ", match["id"]).strip(), line, 0.85, match.start("id"), match.end("id"))
    return None


def find_receipt_number(lines: Sequence[Line]) -> Found[str] | None:
    """Return the number after the most telling label (invoice before slip before order)."""
    best: tuple[int, Line, re.Match[str]] | None = None
    for line in lines:
        for match in _RECEIPT_NUMBER.finditer(line.text):
            number = match["number"]
            if sum(char.isdigit() for char in number) < 2 or line.money:
                continue
            label = fold(match.group())
            rank = next(
                (place for place, word in enumerate(_RECEIPT_WORDS_RANK) if word in label), len(_RECEIPT_WORDS_RANK)
            )
            if best is None or rank < best[0]:
                best = (rank, line, match)
    if best is None:
        return None
    _, line, match = best
    return _found(match["number"].strip("#-/"), line, 0.8, match.start("number"), match.end("number"))


def find_address(lines: Sequence[Line], merchant_lines: Sequence[int]) -> Found[str] | None:
    """Return the address lines that follow the merchant's name in the head."""
    start = max(merchant_lines, default=-1) + 1
    chosen: list[Line] = []
    for line in lines[start : start + 9]:
        if line.money or line.dates:
            break
        text = line.raw
        if names.looks_like_address(text) and not names.looks_like_contact(text) and not _numbered(text):
            chosen.append(line)
        elif chosen:
            if names.looks_like_contact(text) or names.looks_like_paper(text) or len(chosen) >= 4:
                break
            chosen.append(line)
    while chosen and not names.looks_like_address(chosen[-1].raw) and len(chosen) > 3:
        chosen.pop()
    if not chosen:
        return None
    text = ", ".join(line.raw.strip(" ,.") for line in chosen)
    box = enclosing(tuple(line.row.bbox for line in chosen if line.row.page == chosen[0].row.page))
    return Found(
        value=text, confidence=0.8, page=chosen[0].row.page, bbox=box, evidence=" / ".join(line.raw for line in chosen)
    )


def _numbered(text: str) -> bool:
    return re.search(r"\b(?:gst|vat|tax|reg|roc|ust|co\.? ?no|company)\b", fold(text)) is not None


def find_payments(money: Sequence[Money], lines: Sequence[Line]) -> tuple[Found[Payment], ...]:
    """Return each tender with the amount printed beside it, one of a kind and amount."""
    seen: set[tuple[str, object]] = set()
    found: list[Found[Payment]] = []
    for each in money:
        if each.label.kind not in {"cash", "card", "voucher"} or not each.amount.value:
            continue
        payment = Payment(method=_method(each), amount=abs(each.amount.value))
        if (payment.method, payment.amount) in seen:
            continue
        seen.add((payment.method, payment.amount))
        line = lines[each.line]
        found.append(_found(payment, line, 0.85, each.amount.start, each.amount.end))
    return tuple(found)


def _method(money: Money) -> str:
    text = fold(money.label_text)
    named = next((method for method, pattern in _METHODS if pattern.search(text)), None)
    if named:
        return named
    if (
        money.label.kind == "cash"
        and re.search(r"tender|payment|paid|gegeben|received|recu|pagado|pagato", text)
        and "cash" not in text
        and "bar" not in text
    ):
        return "other"
    return money.label.kind


def find_language(lines: Sequence[Line]) -> Found[str] | None:
    """Return the language whose words are the most frequent; None without any."""
    counts: Counter[str] = Counter()
    listed = {language: frozenset(text.split()) for language, text in _LANGUAGE_WORDS.items()}
    for line in lines:
        for word in words(line.raw):
            counts.update(language for language, known in listed.items() if word in known)
    if not counts:
        return None
    (best, count), *rest = counts.most_common(2)
    share = count / (count + (rest[0][1] if rest else 0))
    return Found(value=best, confidence=round(min(0.99, share), 3)) if count >= 2 else None


def _found(value: T, line: Line, confidence: float, start: int, end: int) -> Found[T]:
    sure = round(confidence * line.row.confidence_of(start, end), 3)
    return Found(value=value, confidence=sure, page=line.row.page, bbox=line.row.box_of(start, end), evidence=line.raw)
