"""A total divided by weights to the cent: the parts always add up to it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal


def shares(total: Decimal, weights: Sequence[Decimal], digits: int) -> list[Decimal]:
    """Divide a total by the largest remainder: who is cut most by rounding down gets the next cent, the first first.

    Args:
        total: What is divided; may be negative.
        weights: Of which size the parts are; their sum is not zero.
        digits: Decimal places of the parts, at least as many as the total has.

    Returns:
        As many parts as weights, whose sum is the total exactly.
    """
    unit = Decimal(1).scaleb(-digits)
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    parts = [part.quantize(unit, rounding=ROUND_FLOOR) for part in exact]
    missing = int(((total - sum(parts)) / unit).to_integral_value())
    by_loss = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in by_loss[:missing]:
        parts[place] += unit
    return parts
