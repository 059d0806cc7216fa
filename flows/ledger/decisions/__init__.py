"""What people decide: the one face behind page, API, command line and flow."""

from flows.ledger.decisions.correcting import correct, restore, void
from flows.ledger.decisions.decide import decide
from flows.ledger.decisions.errors import (
    ChangedMeanwhileError,
    ExpenseNotFoundError,
    NothingToUndoError,
    SamePurchaseError,
    UnfitReceiptError,
)
from flows.ledger.decisions.history import HistoryLine, history
from flows.ledger.decisions.item import CorrectionView, FieldView, ReviewItem, review_item
from flows.ledger.decisions.queue import QueuedReceipt, review_queue
from flows.ledger.decisions.requests import MOST_PAGES, Book, Decided, Decision, Dismiss, Join, Split, Undo

__all__ = [
    "MOST_PAGES",
    "Book",
    "ChangedMeanwhileError",
    "CorrectionView",
    "Decided",
    "Decision",
    "Dismiss",
    "ExpenseNotFoundError",
    "FieldView",
    "HistoryLine",
    "Join",
    "NothingToUndoError",
    "QueuedReceipt",
    "ReviewItem",
    "SamePurchaseError",
    "Split",
    "Undo",
    "UnfitReceiptError",
    "correct",
    "decide",
    "history",
    "restore",
    "review_item",
    "review_queue",
    "void",
]
