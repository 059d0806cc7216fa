"""Backup and restore of a pipeline: ledger, originals, steps' results, and the settings and secrets of a stack."""
