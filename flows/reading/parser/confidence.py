"""How sure a total and a date are: evidence counted into odds, the weights from docs/accuracy.md's calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence

from flows.domain.fields import Check
from flows.reading.parser.purchase_date import DateChoice
from flows.reading.parser.totals import Candidate

# Log-odds, chosen by benchmarks/accuracy.py on misreadings put into the tuning half and checked on the held-out half.
_TOTAL_BASE = -1.2
_TOTAL_MARGIN = 0.7  # for each point by which the best score leads, up to 4
_TOTAL_CHECK = 1.3  # for each cross-check that comes out at it, up to 3
_TOTAL_LABEL = 0.5  # for each step of the label's strength
_TOTAL_AGAIN = 0.5  # when it stands at two labels
_TOTAL_ALONE = 0.5  # when no other amount is named as a total
_TELLING_KINDS = frozenset({"total", "subtotal", "cash", "card", "amount", "table"})
_TOTAL_REPAIRED = -1.5  # when a character had to be mended
_TOTAL_CUT = 4.0  # when it has one decimal: another may lie beyond the picture's edge
_TOTAL_BLURRED = 6.0  # for OCR confidence lost below 0.97
_HIGHEST = 0.995
_WORKED_OUT = 0.5  # at most, for a value that is printed nowhere: its own arithmetic is no proof
_DATE_MENDED = 0.8  # at most, for what is no date until something of it is guessed
_DATE_CUT = 2.0  # its first figure may lie beyond the picture's edge
_DATE_ALONE, _DATE_ALONE_UNSETTLED = 0.2, 2.0  # nothing beside it says what day it is

# A rounding that is printed was done: a total that it does not lead to is nearly always the one before it.
_FAILED = {"cash_change": -1.6, "tax_table": -2.2, "subtotal_tax": -0.5, "items": -0.2, "rounding": -5.0}


def total_confidence(ranked: Sequence[Candidate], checks: Sequence[Check], ocr_confidence: float) -> float:
    """Return how likely the best-ranked total is the receipt's."""
    best = ranked[0]
    margin = best.score - max((other.score for other in ranked[1:]), default=0.0)
    odds = (
        _TOTAL_BASE
        + _TOTAL_MARGIN * min(margin, 4.0)
        + _TOTAL_CHECK * min(len(best.checks), 3)
        + _TOTAL_LABEL * best.strength
    )
    labelled = [money for money in best.places if money.label.kind in _TELLING_KINDS]
    odds += _TOTAL_AGAIN if len({money.line for money in labelled}) > 1 else 0.0
    rivals = [other for other in ranked[1:] if other.strength > 1.2]
    odds += _TOTAL_ALONE if best.strength >= 2 and not rivals else 0.0
    odds += _TOTAL_REPAIRED if best.mended or all(money.amount.repaired for money in best.places) else 0.0
    odds += sum(_FAILED.get(check.name, 0.0) for check in checks if check.held is False)
    odds -= _TOTAL_CUT if all(money.amount.decimals == 1 for money in best.places) else 0.0
    if len(best.places) == 1:
        odds -= _TOTAL_BLURRED * max(0.0, 0.97 - ocr_confidence)
    return min(_logistic(odds), _WORKED_OUT) if best.mended else _logistic(odds)


def date_confidence(choice: DateChoice, ocr_confidence: float) -> float:
    """Return how likely the chosen day is the day of purchase."""
    odds = 3.2 + 1.2 * min(choice.times_printed - 1, 2)
    odds -= 0.0 if choice.in_epoch else 4.0
    odds -= _DATE_CUT if choice.mention.uneven and choice.times_printed == 1 else 0.0
    if choice.rival is not None:
        odds -= 3.2 - 1.5 * choice.lead
    if choice.mention.two_digit_year and not choice.time_beside and choice.times_printed == 1:
        odds -= 0.4
    odds -= 6.0 * max(0.0, 0.95 - ocr_confidence) if choice.times_printed == 1 else 0.0
    if not choice.labelled and not choice.time_beside and choice.times_printed == 1:
        odds -= _DATE_ALONE if not choice.mention.ambiguous or choice.settled else _DATE_ALONE_UNSETTLED
    return min(_logistic(odds), _DATE_MENDED) if choice.mention.mended else _logistic(odds)


def _logistic(odds: float) -> float:
    return round(min(_HIGHEST, 1 / (1 + math.exp(-odds))), 3)
