"""People, their sessions and passwords."""
