"""API keys, also as a QR code for a phone."""
