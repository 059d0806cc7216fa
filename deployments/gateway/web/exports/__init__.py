"""Exports: made for a target, seen before, and downloaded."""
