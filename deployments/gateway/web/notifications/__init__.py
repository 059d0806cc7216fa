"""Where notifications go, and a test of it."""
