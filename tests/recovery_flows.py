"""The real flow with a reader that misbehaves on purpose, as a comment in the picture says. Deployed by the tests.

`slow=2.5` reads for so many seconds longer, `die` kills its process by a fault of its own. The version that all
results are kept under can be raised by an environment variable, as a new release of OCR would.
"""

from __future__ import annotations

import os
import re
import signal
import time

import flows.reading.reader
from flows.domain.fields import DocumentText
from flows.reading.reader import Reader
from flows.receipt_to_expense import receipt_to_expense

__all__ = ["receipt_to_expense"]

_SLOW = re.compile(rb"slow=([\d.]+)")
VERSION = "RECEIPTFLOW_TEST_VERSION"


class MisbehavingReader(Reader):
    """Reads with Tesseract, slowly or not at all where the picture says so."""

    @property
    def version(self) -> str:
        """The reader's own, with the release under test."""
        return f"{super().version}-test{os.environ.get(VERSION, '1')}"

    def extract(self, data: bytes) -> DocumentText:
        """Do what the comment says, then read."""
        if b"die" in data[:200]:
            os.kill(os.getpid(), signal.SIGSEGV)
        if slow := _SLOW.search(data[:200]):
            time.sleep(float(slow[1]))
        return super().extract(data)


flows.reading.reader.Reader = MisbehavingReader  # type: ignore[misc]
