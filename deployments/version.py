"""The version of what is installed. It is written once, in pyproject.toml."""

from __future__ import annotations

from importlib.metadata import version


def installed_version() -> str:
    """As the installed package's metadata says it, for example 0.1.0."""
    return version("receiptflow")
