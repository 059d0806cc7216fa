"""The name of an expense that never changes: the same owner and content always give the same one.

A ledger that is made again from the bucket, and a receipt that is read again, name their expenses as before, so that
exports and other programs that keep the id find theirs.
"""

from __future__ import annotations

from uuid import UUID, uuid5

EXPENSE_PREFIX = "rf-"
# Any UUID that no other program uses; a change would rename every expense.
_NAMESPACE = UUID("5b1f3b8e-6c1d-4f0a-9a57-0e6d2c0f7a11")


def expense_id(owner: str, sha256: str) -> str:
    """The public id of the expense of a content.

    Args:
        owner: Whose content it is.
        sha256: Of its bytes, in hexadecimal.
    """
    return f"{EXPENSE_PREFIX}{uuid5(_NAMESPACE, f'{owner}/{sha256}')}"
