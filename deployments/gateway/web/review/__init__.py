"""Review: the queue of what waits for a person, and deciding on one receipt."""
