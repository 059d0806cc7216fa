"""Country and currency of a receipt from what is printed on it: marks, codes, tax words, phone prefixes, places."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from babel.numbers import get_territory_currencies

from flows.reading.parser.currency_marks import SHARED
from flows.reading.parser.folding import fold
from flows.reading.parser.hints import Hints
from flows.reading.parser.lines import Line

_US_STATE = (
    r"\b(?:al|ak|az|ar|ca|co|ct|de|fl|ga|hi|id|il|in|ia|ks|ky|la|me|md|ma|mi|mn|ms|mo|mt|ne|nv|nh|nj|nm|ny|nc|nd|"
    r"oh|ok|or|pa|ri|sc|sd|tn|"
    r"tx|ut|vt|va|wa|wv|wi|wy|dc)\b"
)
_COUNTRY_PATTERNS: tuple[tuple[str, str, float], ...] = (
    ("MY", r"sdn\.? ?bhd|\bs/b\b|\bselangor\b|kuala lumpur|\bjohor\b|malaysia|\bsst\b|penang|\bringgit\b", 2),
    ("MY", r"\btaman\b|sarawak|\bkl\b", 1.5),
    ("MY", r"\bgst\b.*\b00\d{10}\b|\bgst\b.*\b00\d\d \d{4} \d{4}\b", 2.5),
    ("MY", r"\bjalan\b|\bjln\b", 1),
    ("ID", r"\bjalan\b|\bjln\b|\bjl\b", 0.9),
    ("SG", r"singapore|\bpte\.? ?ltd", 3),
    ("ID", r"indonesia|jakarta|\bpt\.? [a-z]|\bppn\b|\bpb ?1\b|bandung|surabaya|\bnpwp\b", 2),
    ("DE", r"\bmwst\b|\bust\b|ust-?id|steuernummer|\bgmbh\b|rückgeld|ruckgeld|deutschland|\bsumme\b", 1.5),
    ("AT", r"osterreich|\batu ?\d{8}|\bwien\b", 4),
    ("CH", r"\bche-?\d{3}|schweiz|suisse|svizzera|zurich|geneve|\bbern\b", 4),
    ("FR", r"\btva\b|siret|\bttc\b|france|\bsas\b|\bsarl\b|carte bancaire", 1.5),
    ("ES", r"\bnif\b|\bcif\b|espana|\biva\b.*\bbase\b|base imponible|factura simplificada", 2),
    ("IT", r"p\.? ?iva|partita iva|scontrino|documento commerciale|italia|\beuro\b.*contanti", 2.5),
    ("NL", r"\bbtw\b|nederland|\bb\.v\.|pinnen|\bkvk\b", 2.5),
    ("PT", r"portugal|contribuinte|\blda\b|\bnif\b.*iva|fatura simplificada|fatura", 2.5),
    ("BR", r"brasil|\bcnpj\b|\br\$", 4),
    ("FI", r"\balv\b|\boyj?\b|suomi|finland|y-tunnus", 3),
    ("SE", r"\bmoms\b|org\.? ?nr|sverige|\bswish\b|\bab\b.*moms", 2),
    ("DK", r"danmark|\bcvr\b|\bdankort\b", 3),
    ("NO", r"norge|\bmva\b|org\.? ?nr.*mva", 3),
    ("GB", r"\bvat\b|united kingdom|london|\buk\b|£", 1.5),
    ("IE", r"ireland|dublin|\beircode\b", 3),
    ("US", r"\bsales tax\b|\busa\b|\bebt\b|\b(?:california|texas|florida|new york)\b|\bstore ?#", 2),
    ("US", _US_STATE + r",? \d{5}(?:-\d{4})?\b", 3.5),
    ("US", r"\(\d{3}\) ?\d{3}-\d{4}", 1),
    ("CA", r"\bhst\b|\bqst\b|\btps\b|\btvq\b|canada|ontario|quebec", 3),
    ("AU", r"\babn\b|australia|\bnsw\b|\bvic \d{4}", 3),
    ("NZ", r"new zealand|\bauckland\b", 3),
    ("IN", r"\bcgst\b|\bsgst\b|gstin|india|\bfssai\b|mumbai|delhi|bangalore|bengaluru|chennai", 3),
    ("JP", r"[\u3040-\u30ff]|japan|tokyo", 3),
    ("PL", r"paragon|\bnip\b|polska|sprzedaz", 3),
    ("CZ", r"\bdph\b|\bdic\b", 3),
    ("MX", r"\brfc\b|mexico", 3),
    ("TH", r"thailand|bangkok", 3),
    ("PH", r"philippines|manila|\bvatable\b", 3),
    ("AE", r"\btrn\b|dubai|\buae\b", 3),
    ("ZA", r"south africa|johannesburg|cape town", 3),
)  # fmt: skip
_COMPILED = tuple(
    (country, re.compile(pattern, re.IGNORECASE), weight) for country, pattern, weight in _COUNTRY_PATTERNS
)
_MIN_COUNTRY_SCORE = 2.0
_SURE_COUNTRY = 0.95
_CODES_THAT_ARE_WORDS = frozenset({"PEN", "COP", "TRY", "CLP"})  # on an item's line they are English words


@dataclass(frozen=True)
class LocaleGuess:
    """What a receipt tells of its place. `currency` is None where it is not known; `conflict` names a rival."""

    country: str | None
    country_confidence: float
    currency: str | None
    currency_confidence: float
    evidence: str
    conflict: str | None = None


def guess_locale(lines: Sequence[Line], hints: Hints) -> LocaleGuess:
    """Weigh the printed evidence for country and currency; hints only break ties."""
    countries = _countries(lines)
    marks = Counter(
        money.amount.mark
        for line in lines
        for money in line.money
        if money.amount.mark and (money.label.kind or money.amount.mark not in _CODES_THAT_ARE_WORDS)
    )
    marks.update(_loose_marks(lines))
    country = _best_country(countries, hints)
    confidence = min(0.99, 1 - 0.5 * math.exp(-0.7 * countries.get(country, 0.0))) if country else 0.0
    return _with_currency(country, confidence, marks, hints)


def _countries(lines: Sequence[Line]) -> dict[str, float]:
    scores: dict[str, float] = {}
    for line in lines:
        text = fold(line.raw)
        for country, pattern, weight in _COMPILED:
            if pattern.search(text):
                scores[country] = min(scores.get(country, 0.0) + weight, 8.0)
    return scores


def _best_country(scores: dict[str, float], hints: Hints) -> str | None:
    if hints.country:
        scores = {**scores, hints.country: scores.get(hints.country, 0.0) + 0.5}
    best = max(scores, key=lambda country: (scores[country], country), default=None)
    return best if best is not None and scores[best] >= _MIN_COUNTRY_SCORE - 0.5 else None


def _loose_marks(lines: Sequence[Line]) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in lines:
        for match in re.finditer(
            r"(?<![A-Za-z])(EUR|USD|GBP|CHF|MYR|RM|IDR|Rp|INR|JPY|SEK|NOK|DKK|SGD|AUD|CAD)(?![A-Za-z])", line.raw
        ):
            found[{"RM": "MYR", "Rp": "IDR"}.get(match[1], match[1])] += 1
        found.update(char for char in line.raw if char in "€£₹")
    renamed = {"€": "EUR", "£": "GBP", "₹": "INR"}
    return Counter({renamed.get(mark, mark): count for mark, count in found.items()})


def _with_currency(country: str | None, confidence: float, marks: Counter[str], hints: Hints) -> LocaleGuess:
    local = get_territory_currencies(country)[-1] if country and get_territory_currencies(country) else None
    plain = Counter({mark: count for mark, count in marks.items() if mark not in SHARED})
    shared = next((SHARED[mark] for mark in marks if mark in SHARED), ())
    if plain:
        currency, sure, evidence, rival = _printed(plain, local)
    elif shared:
        currency, sure, evidence, rival = _of_symbol(shared, country, local, confidence, hints)
    elif local:
        currency, sure, evidence, rival = local, min(0.97, confidence), f"the country looks like {country}", None
    else:
        currency, sure, evidence, rival = None, 0.0, "no symbol, code or country found", None
    return LocaleGuess(country, confidence, currency, sure, evidence, rival)


_Guess = tuple[str | None, float, str, str | None]


def _printed(plain: Counter[str], local: str | None) -> _Guess:
    best, count = max(plain.items(), key=lambda item: (item[1], item[0] == local, item[0]))
    rivals = [mark for mark, times in plain.items() if mark != best and times * 2 >= count]
    return best, 0.7 if rivals else 0.99, f"{best} is printed", rivals[0] if rivals else None


def _of_symbol(
    shared: tuple[str, ...], country: str | None, local: str | None, confidence: float, hints: Hints
) -> _Guess:
    """Resolve a symbol of several currencies by the country, or by the books' currency, less surely."""
    if local in shared:
        return local, 0.97, f"symbol and country {country}", None
    if hints.currency in shared:
        return hints.currency, 0.8, "symbol, and the books' currency", None
    if local is not None and confidence >= _SURE_COUNTRY:
        return local, 0.94, f"the country is {country}, whose money is loosely written with that symbol", None
    return None, 0.0, f"the symbol may be {', '.join(shared[:4])}", None
