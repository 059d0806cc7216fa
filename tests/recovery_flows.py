"""The real flow with a reader that misbehaves on purpose, as a comment in the picture says. Deployed by the tests.

`slow=2.5` reads for so many seconds longer, `slow-page=19:2.5` does so on that page, `die` kills its process by a fault
of its own. The version that all results are kept under can be raised by an environment variable, as a new release of
OCR would.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable

import flows.reading.reader
from flows.domain.fields import DocumentText, Page
from flows.reading.reader import KeepPage, Reader, read_now
from flows.receipt_to_expense import receipt_to_expense

__all__ = ["receipt_to_expense"]

_SLOW = re.compile(rb"slow=([\d.]+)")
_SLOW_PAGE = re.compile(rb"slow-page=(\d+):([\d.]+)")
VERSION = "RECEIPTFLOW_TEST_VERSION"


class MisbehavingReader(Reader):
    """Reads with Tesseract, slowly or not at all where the picture says so."""

    @property
    def version(self) -> str:
        """The reader's own, with the release under test."""
        return f"{super().version}-test{os.environ.get(VERSION, '1')}"

    def extract(self, data: bytes, keep: KeepPage = read_now) -> DocumentText:
        """Do what the comment says, then read."""
        if b"die" in data[:200]:
            os.kill(os.getpid(), signal.SIGSEGV)
        if slow := _SLOW.search(data[:200]):
            time.sleep(float(slow[1]))
        slow_page = _SLOW_PAGE.search(data[:200])

        def slowly(number: int, read: Callable[[], Page]) -> Page:
            def read_slowly() -> Page:
                if slow_page and int(slow_page[1]) == number:
                    time.sleep(float(slow_page[2]))
                return read()

            return keep(number, read_slowly)

        return super().extract(data, slowly)


flows.reading.reader.Reader = MisbehavingReader  # type: ignore[misc]
