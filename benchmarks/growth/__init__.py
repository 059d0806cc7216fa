"""`make bench-growth`: how large a pipeline becomes and how long looking through it takes, before and after pruning."""
