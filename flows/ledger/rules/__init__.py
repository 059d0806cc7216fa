"""Rules: what was learned from corrections, and what a person thinks of it."""

from flows.ledger.rules.applying import apply_rules
from flows.ledger.rules.by_hand import make_rule, remove_rule
from flows.ledger.rules.learning import forget_content, learn
from flows.ledger.rules.marks import keep_marks
from flows.ledger.rules.queries import RuleNotFoundError, RuleView, list_rules, switch_rule

__all__ = [
    "RuleNotFoundError",
    "RuleView",
    "apply_rules",
    "forget_content",
    "keep_marks",
    "learn",
    "list_rules",
    "make_rule",
    "remove_rule",
    "switch_rule",
]
