"""The merchant's name: the best line of the receipt's head, with the lines that continue it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from flows.parse.folding import fold, squeeze
from flows.parse.lines import Line

HEAD_LINES = 14
_LEGAL = re.compile(
    r"\b(?:sdn\.?\s*,?bhd|s/b|bhd|gmbh|mbh|ag|kg|ohg|e\.?k|ug|ltd|limited|plc|llc|inc|corp|co|llp|pte|pty|pvt|"
    r"s\.?a\.?s|sarl|s\.?a\.?r\.?l|s\.?a|s\.?l\.?u?|s\.?r\.?l|s\.?p\.?a|b\.?v|n\.?v|lda|ltda|oy|oyj|ab|aps|a/s|as|pt|tbk|cv|kk)\b\.?",
    re.IGNORECASE,
)
_STRONG_LEGAL = re.compile(
    r"(?:sdn\.?\s*,?bhd|\bs/b\b|\bbhd\b|gmbh|\bmbh\b|\bltd\b|\bllc\b|\bpte\b|\bsarl\b|\bs\.r\.l|\bs\.p\.a|\bb\.v\b|\boyj?\b|\blda\b)",
    re.IGNORECASE,
)
_REGISTRATION = re.compile(
    r"\s*[\[({]?\s*(?:co(?:mpany)?\.?\s*(?:reg\.?)?\s*(?:no\.?)?\s*:?\s*)?[A-Z]{0,3}\d{4,}\s*-?\s*[A-Z]{0,2}\d?\s*[\])}]?\s*\.?$",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"\b(?:jalan|jln|jl|lot|no\.?\s*\d|taman|tmn|level|floor|flr|road|rd|street|str|strasse|straße|stra.e|platz|weg|allee|avenue|ave|rue|via|calle|"
    r"plaza|rua|laan|straat|katu|gatan|vagen|blvd|boulevard|suite|unit|bandar|kampung|km|p\.?o\.? box|place|lane|drive|hwy|building)\b|str\.|stra(?:ss|ß)e|weg \d|\b\d{4,6}\b",
    re.IGNORECASE,
)
_NOT_NAME = re.compile(
    r"invoice|receipt|rechnung|quittung|kassenbon|beleg|ticket de|facture|factura|ricevuta|scontrino|bon de|recibo|kuitti|kvitto|"
    r"\btel\b|\bte1\b|phone|\bfax\b|gst|\bvat\b|tax|ust|steuer|reg(?:istration)? ?no|co\.? reg|company no|cashier|kasse|table|date|datum|"
    r"welcome|willkommen|bienvenue|thank|danke|merci|gracias|copy|www\.|http|@|\.com\b|operator|server|order|formerly|licensee|"
    r"customer|bill to|site:|hours|duplicate|reprint|opening",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class NameCandidate:
    """A name with the lines that it was read from."""

    name: str
    lines: tuple[Line, ...]
    score: float


def find_merchants(lines: Sequence[Line]) -> list[NameCandidate]:
    """Return candidate names, best first; empty when nothing in the head reads like a name."""
    head = _head(lines)
    if not head:
        return []
    typical = median(line.row.height for line in lines)
    candidates = [_candidate(line, head, typical) for line in head if _may_be_name(line)]
    return sorted(candidates, key=lambda each: (-each.score, each.lines[0].index))


def _head(lines: Sequence[Line]) -> list[Line]:
    """Return the lines above the bought things."""
    head: list[Line] = []
    for line in lines[:HEAD_LINES]:
        if line.money and head:
            break
        head.append(line)
    return head


def _may_be_name(line: Line) -> bool:
    letters = sum(char.isalpha() for char in line.text)
    return letters >= 3 and letters >= 0.4 * len(line.text.replace(" ", "")) and not line.dates


def _candidate(line: Line, head: Sequence[Line], typical: float) -> NameCandidate:
    text = line.raw
    score = 3.0 - 0.45 * line.index
    if _NOT_NAME.search(fold(text)) and not _STRONG_LEGAL.search(text):
        score -= 3.0
    if _STRONG_LEGAL.search(text):
        score += 3.0
    elif _LEGAL.search(text):
        score += 0.5
    if _ADDRESS.search(text) and not _STRONG_LEGAL.search(text):
        score -= 2.0
    score += min(max(line.row.height / max(typical, 1) - 1, -0.5), 2.0)
    score -= max(0.0, 0.95 - line.row.confidence) * 8
    return NameCandidate(clean_name(text), (line,), score)


def clean_name(text: str) -> str:
    """Drop registration numbers and stray marks around a name."""
    name = _REGISTRATION.sub("", text.replace("（", "(").replace("）", ")")).strip(" -–*:.,;|#'\"")
    return re.sub(r"\s+", " ", name) if squeeze(name) else re.sub(r"\s+", " ", text.strip())
