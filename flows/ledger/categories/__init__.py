"""An owner's categories: a default set to begin with, and what the owner makes of it."""

from flows.ledger.categories.changes import archive_category, make_category, merge_categories, rename_category
from flows.ledger.categories.errors import CategoryNotFoundError, CategoryTakenError, InvalidCategoryError
from flows.ledger.categories.names import CategoryView, known_category, list_categories, present_names

__all__ = [
    "CategoryNotFoundError",
    "CategoryTakenError",
    "CategoryView",
    "InvalidCategoryError",
    "archive_category",
    "known_category",
    "list_categories",
    "make_category",
    "merge_categories",
    "present_names",
    "rename_category",
]
