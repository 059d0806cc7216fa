"""What happens to a receipt: the deployed flows and the plain code that they order."""
