"""Text that spreadsheet programs show as text: a cell that begins like a formula is run by them when a file is opened.

What a receipt prints is a stranger's text. See OWASP, CSV Injection:
https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula; never for numbers."""
    return f"'{text}" if text.lstrip(" ").startswith(_DANGEROUS) else text
