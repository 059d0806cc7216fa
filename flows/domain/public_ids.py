"""The name of an expense that never changes: the same owner and content always give the same one.

A ledger that is made again from the bucket, and a receipt that is read again, name their expenses as before, so that
exports and other programs that keep the id find theirs.
"""

from __future__ import annotations

from uuid import UUID, uuid5

EXPENSE_PREFIX = "rf-"
# Any UUID that no other program uses; a change would rename every expense.
_NAMESPACE = UUID("5b1f3b8e-6c1d-4f0a-9a57-0e6d2c0f7a11")


def expense_id(owner: str, sha256: str, part: int = 0) -> str:
    """The public id of the expense of a content, or of one part of it.

    Args:
        owner: Whose content it is.
        sha256: Of its bytes, in hexadecimal.
        part: Which of its expenses, from 0, where a person has split it.
    """
    name = f"{owner}/{sha256}/{part}" if part else f"{owner}/{sha256}"
    return f"{EXPENSE_PREFIX}{uuid5(_NAMESPACE, name)}"
