"""Who has access: API keys."""

from flows.ledger.access.api_keys import KeyView, Scope, create_key, find_key, list_keys, revoke_key

__all__ = ["KeyView", "Scope", "create_key", "find_key", "list_keys", "revoke_key"]
