"""How quickly lists, searches and sums answer over very many expenses: make bench-web [JSON=out.json]."""
