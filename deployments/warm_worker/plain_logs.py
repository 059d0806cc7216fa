"""Prefect's lines in a log file, written without the library that paints them for a terminal.

Named by `PREFECT_LOGGING_HANDLERS_CONSOLE_CLASS`, Prefect's way to another handler.
"""

from __future__ import annotations

import logging
from typing import Any, TextIO


class PlainHandler(logging.StreamHandler[TextIO]):
    """Writes what the formatter says, and no more.

    Args:
        stream: Where to; without one, standard error.
        styles: Colours, which Prefect's configuration names; not used.
    """

    def __init__(self, stream: TextIO | None = None, styles: Any = None) -> None:  # noqa: ARG002 - see above
        super().__init__(stream)
