"""How a pipeline stands, for whoever runs it."""
