"""Learning without a model: by what a merchant is known again, and what a rule changes of a reading. Pure."""

from flows.learning.choosing import KIND_ORDER, KnownRule, with_choices
from flows.learning.identities import MERCHANT, Identity, identities_of
from flows.learning.likeness import are_variants

__all__ = ["KIND_ORDER", "MERCHANT", "Identity", "KnownRule", "are_variants", "identities_of", "with_choices"]
