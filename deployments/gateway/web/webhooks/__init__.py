"""Webhooks with their deliveries."""
