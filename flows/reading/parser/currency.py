"""The currency of the chosen total: its own mark first, then other marks, then the country that the receipt names.

Each amount has its own currency. A mark beside another amount (a conversion for tourists, an exchange rate) says
nothing about the total, and a country that is only guessed never makes a currency sure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from flows.reading.parser.currency_marks import MARKS, SHARED
from flows.reading.parser.hints import Hints
from flows.reading.parser.lines import Line, Money
from flows.reading.parser.locale_evidence import CountryGuess
from flows.reading.parser.totals import Candidate

_ON_TOTAL, _ELSEWHERE, _LOOSE = 0.99, 0.97, 0.95
_SYMBOL_AND_COUNTRY, _IDENTIFIED, _BOOKS, _GUESSED, _CONFLICT = 0.97, 0.95, 0.8, 0.8, 0.7
_LOOSE_SYMBOL, _SURE_LEAD = 0.94, 4.0
_CODES_THAT_ARE_WORDS = frozenset({"PEN", "COP", "TRY", "CLP"})  # on an item's line they are English words
_LABELLED = frozenset({"total", "card", "cash", "amount", "subtotal", "service"})
_LOOSE_MARK = re.compile(
    r"(?<![A-Za-z])(EUR|USD|GBP|CHF|MYR|RM|IDR|Rp|INR|JPY|SEK|NOK|DKK|SGD|AUD|CAD|PLN|CZK|HUF|RON)(?![A-Za-z])|[€£₹₩₪₴]"
)


@dataclass(frozen=True)
class CurrencyChoice:
    """The currency and how sure it is, with the words for why; `conflict` names a rival. No currency: it is unknown."""

    currency: str | None
    confidence: float
    evidence: str
    conflict: str | None = None


def choose_currency(
    lines: Sequence[Line], money: Sequence[Money], total: Candidate | None, place: CountryGuess, hints: Hints
) -> CurrencyChoice:
    """Decide the total's currency from marks and country; hints only break ties, and surely of none."""
    native = [each for each in money if each.label.kind != "conversion"]
    own = _marks(total.places, place, labelled_only=True) if total is not None else Counter()
    others = _marks(native, place, labelled_only=False)
    loose = _loose_marks(lines, {each.line for each in money if each.label.kind == "conversion"})
    for marks, sure in ((own, _ON_TOTAL), (others, _ELSEWHERE), (loose, _LOOSE)):
        plain = Counter({mark: count for mark, count in marks.items() if mark not in SHARED})
        if plain:
            return _of_marks(plain, sure, place, on_total=marks is own, foreign=_foreign(native, total))
        shared = next((mark for mark in marks if mark in SHARED), None)
        if shared is not None:
            return _of_symbol(shared, others + loose, place, hints)
    return _of_country(place)


def _marks(money: Iterable[Money], place: CountryGuess, *, labelled_only: bool) -> Counter[str]:
    found: Counter[str] = Counter()
    for each in money:
        mark = _settled(each.mark, place)
        if mark is None or each.label.kind == "conversion":
            continue
        if each.label.kind in _LABELLED or (
            not labelled_only and (each.label.kind or mark not in _CODES_THAT_ARE_WORDS)
        ):
            found[mark] += 1
    return found


def _settled(mark: str | None, place: CountryGuess) -> str | None:
    """Return the currency of a mark that counts in one country only; None for it elsewhere."""
    meant = SHARED.get(mark or "", ())
    if len(meant) != 1:
        return mark
    return meant[0] if meant[0] == place.currency else None


def _loose_marks(lines: Sequence[Line], conversions: set[int]) -> Counter[str]:
    names = {"RM": "MYR", "Rp": "IDR"}
    return Counter(
        names.get(match[0], MARKS.get(match[0], match[0]))
        for line in lines
        if line.index not in conversions
        for match in _LOOSE_MARK.finditer(line.raw)
    )


def _foreign(money: Sequence[Money], total: Candidate | None) -> set[str]:
    """Return the marks that stand only at amounts without a label that differ from the total: conversions, mostly."""
    value = total.value if total is not None else Decimal(-1)
    seen: dict[str, bool] = {}
    for each in money:
        mark = each.mark
        if mark:
            seen[mark] = seen.get(mark, False) or bool(each.label.kind) or abs(each.amount.value) == value
    return {mark for mark, tied in seen.items() if not tied}


def _of_marks(
    plain: Counter[str], sure: float, place: CountryGuess, *, on_total: bool, foreign: set[str]
) -> CurrencyChoice:
    local = place.currency
    best, count = max(plain.items(), key=lambda item: (item[1], item[0] == local, item[0]))
    rivals = [mark for mark, times in plain.items() if mark != best and times * 2 >= count]
    if rivals and place.identified and local in {best, *rivals}:
        return CurrencyChoice(local, _IDENTIFIED, f"{local} is printed, and the country is {place.country}")
    if rivals:
        return CurrencyChoice(best, _CONFLICT, f"{best} is printed", rivals[0])
    if not on_total and place.identified and local is not None and local != best:
        if best in foreign or set(plain) == {best}:
            return CurrencyChoice(local, _IDENTIFIED, f"the country is {place.evidence}; {best} is a conversion")
        return CurrencyChoice(best, _CONFLICT, f"{best} is printed", local)
    return CurrencyChoice(best, sure, f"{best} is printed")


def _of_symbol(mark: str, marks: Counter[str], place: CountryGuess, hints: Hints) -> CurrencyChoice:
    """Resolve a symbol of several currencies by a code, the country, or the owner's currency, less surely."""
    shared = SHARED[mark]
    codes = [code for code in marks if code in shared]
    if len(codes) == 1:
        return CurrencyChoice(codes[0], _ELSEWHERE, f"symbol, and {codes[0]} is printed")
    currency, identified = place.within(shared)
    if currency is not None and identified:
        return CurrencyChoice(currency, _SYMBOL_AND_COUNTRY, f"symbol and country ({place.evidence})")
    if place.identified and place.currency is not None:
        why = f"the country is {place.country}, whose money is loosely written with that symbol"
        sure = _LOOSE_SYMBOL if place.lead >= _SURE_LEAD else _GUESSED
        return CurrencyChoice(place.currency, sure, why)
    if currency is not None:
        return CurrencyChoice(currency, _GUESSED, f"symbol, and the country may be that of {currency}")
    if hints.currency in shared:
        return CurrencyChoice(hints.currency, _BOOKS, "symbol, and the owner's currency")
    return CurrencyChoice(None, 0.0, f"the symbol may be {', '.join(shared[:4])}")


def _of_country(place: CountryGuess) -> CurrencyChoice:
    if place.currency is None:
        return CurrencyChoice(None, 0.0, "no symbol, code or country found")
    if place.identified:
        return CurrencyChoice(place.currency, _IDENTIFIED, f"the country is {place.evidence}")
    return CurrencyChoice(place.currency, min(_GUESSED, place.confidence), f"the country looks like {place.country}")
