"""The ledger's schema migrations, run by `flows.ledger.migrate`."""
