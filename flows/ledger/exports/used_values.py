"""Which categories, payment methods and tax rates an owner's expenses have: what accounts can be named for."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session

from flows.ledger.exports.accounts import tax_value

_USED = """
    SELECT 'category', category, CAST(NULL AS numeric) FROM expenses
        WHERE owner = :owner AND voided_at IS NULL AND category IS NOT NULL GROUP BY category
    UNION SELECT 'category', l.category, CAST(NULL AS numeric) FROM line_items l JOIN expenses e ON e.id = l.expense_id
        WHERE e.owner = :owner AND e.voided_at IS NULL AND l.category IS NOT NULL GROUP BY l.category
    UNION SELECT 'category', name, CAST(NULL AS numeric) FROM categories WHERE owner = :owner AND archived_at IS NULL
    UNION SELECT 'payment_method', payment_method, CAST(NULL AS numeric) FROM expenses
        WHERE owner = :owner AND voided_at IS NULL AND payment_method IS NOT NULL GROUP BY payment_method
    UNION SELECT 'tax', NULL, t.rate FROM expense_taxes t JOIN expenses e ON e.id = t.expense_id
        WHERE e.owner = :owner AND e.voided_at IS NULL AND t.rate IS NOT NULL GROUP BY t.rate
    ORDER BY 1, 3, 2"""


class UsedValues(NamedTuple):
    """Values in order; rates in per cent as rules name them."""

    categories: list[str]
    payment_methods: list[str]
    rates: list[str]


def used_values(owner: str, *, session: Session) -> UsedValues:
    """What an owner's expenses that count have, and the categories that are offered."""
    found: dict[str, list[str]] = {"category": [], "payment_method": [], "tax": []}
    for kind, value, rate in session.execute(text(_USED), {"owner": owner}):
        found[kind].append(value if rate is None else tax_value(rate))
    return UsedValues(found["category"], found["payment_method"], list(dict.fromkeys(found["tax"])))
