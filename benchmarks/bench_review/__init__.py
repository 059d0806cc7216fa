"""How many keys and clicks a person needs to review real receipts: make bench-review [JSON=out.json]."""
