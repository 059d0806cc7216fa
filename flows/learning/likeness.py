"""Whether two names are spellings of one: a person who gives the second means the first merchant still."""

from __future__ import annotations

from rapidfuzz import fuzz

from flows.domain.folding import fold, squeeze

# Per cent of rapidfuzz's ratios, as for purchases that seem to be the same (flows.ledger.expenses.same_purchase).
_LIKE_PERCENT = 75.0


def are_variants(one: str, other: str) -> bool:
    """Whether the names are alike, or one is the other with words added ("Aldi", "ALDI SÜD")."""
    if squeeze(one) == squeeze(other):
        return True
    words = max(fuzz.token_set_ratio(fold(one), fold(other)), fuzz.ratio(squeeze(one), squeeze(other)))
    return words >= _LIKE_PERCENT
