"""What can be wrong with a category."""

from __future__ import annotations

from collections.abc import Sequence

from flows.domain.errors import ReceiptflowError


class CategoryNotFoundError(ReceiptflowError):
    """The owner has no such category, or it is archived."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        listed = ", ".join(known) or "none"
        super().__init__(f"there is no category {name[:60]!r}; make it first, or give one of: {listed}")


class CategoryTakenError(ReceiptflowError):
    """Another category has this name, or had it: receipts that were given the old name would change."""

    def __init__(self, name: str, taken_by: str) -> None:
        self.name, self.taken_by = name, taken_by
        super().__init__(f"name: {name!r} means the category {taken_by!r} already; choose another name, or merge them")


class InvalidCategoryError(ReceiptflowError):
    """A name that a category cannot have, or too many of them. The message says what to give."""
