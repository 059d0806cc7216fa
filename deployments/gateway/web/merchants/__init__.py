"""Names of merchants, suggested while they are typed."""
