"""PDF pages as pictures, rendered one at a time by a process of their own with bounded CPU and memory (`pdf_renderer`).

The process lives while the document is read and renders a page when it is asked for, so that never more than one
rendered page is in memory.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from PIL import Image

from flows.domain.errors import ConfigurationError, UnreadableError
from flows.reading.documents.errors import (
    BrokenFileError,
    EncryptedFileError,
    TooLargeError,
    TooManyPagesError,
    TooSmallError,
)
from flows.reading.documents.limits import Limits
from flows.reading.documents.own_text import OwnText

_MEDIA_TYPE = "application/pdf"
_CHANNELS = 3
_REFUSALS = {error.__name__: error for error in (EncryptedFileError, TooLargeError, TooManyPagesError, TooSmallError)}
# Beside the page itself: PDFium, a decoded picture of max_pixels in colour, and its working copies.
_BASE_MEMORY_BYTES = 1_000_000_000
_BYTES_PER_PIXEL = 8
# CPU time ends a loop; this ends a process that waits, and is far longer: a busy machine is no reason to refuse.
_WALL_PER_CPU_SECONDS = 8


@contextmanager
def open_pdf(data: bytes, limits: Limits) -> Iterator[PdfPages]:
    """The pages of a PDF while the block lasts; the renderer ends with it.

    Raises:
        EncryptedFileError, TooManyPagesError, TooLargeError, TooSmallError: before any page is rendered.
        BrokenFileError: PDFium gave up, fell over, or took longer than `Limits.pdf_cpu_seconds`.
    """
    # A file, because a pipe that nobody reads would hold up a renderer that complains a lot.
    with tempfile.TemporaryFile() as complaints, _renderer(limits, complaints) as process:
        yield PdfPages(process, data, limits, complaints)


@contextmanager
def _renderer(limits: Limits, complaints: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    settings = asdict(limits) | {
        "library": _library(),
        "cpu_seconds": limits.pdf_cpu_seconds,
        "memory_bytes": _BASE_MEMORY_BYTES + limits.max_pixels * _BYTES_PER_PIXEL,
    }
    # By path, not by module name, and without `site`: importing packages would cost more than the rendering.
    command = [sys.executable, "-S", str(Path(__file__).with_name("pdf_renderer.py")), json.dumps(settings)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints)
    try:
        yield process
    finally:
        process.kill()
        with suppress(BrokenPipeError):  # what was not handed over is of no use any more
            process.communicate()


class PdfPages:
    """An open PDF: how many pages it has, the XML files that it carries, and each page as an "RGB" picture."""

    def __init__(self, process: subprocess.Popen[bytes], data: bytes, limits: Limits, complaints: IO[bytes]) -> None:
        self._process, self._limits, self._complaints = process, limits, complaints
        answer = self._answer(b"%d\n" % len(data), data)
        self.count: int = answer["pages"]
        self.attachments: tuple[str, ...] = tuple(answer["attachments"])

    def page(self, number: int) -> tuple[Image.Image, float, OwnText]:
        """Page `number`, from 1, with its scale (always 1.0: a page has no stored pixels) and its text."""
        answer = self._answer(b"%d\n" % number)
        words = tuple((said, (box[0], box[1], box[2], box[3])) for said, box in answer["words"])
        return answer["image"], 1.0, OwnText(words, answer["doubtful"])

    def _answer(self, *request: bytes) -> dict[str, Any]:
        """What the renderer says, a page's picture under "image"."""
        seconds = self._limits.pdf_cpu_seconds * _WALL_PER_CPU_SECONDS
        timer = threading.Timer(seconds, self._process.kill)
        timer.daemon = True
        timer.start()
        began = time.monotonic()
        try:
            return self._exchange(request)
        except (OSError, EOFError) as error:
            timed_out = time.monotonic() - began >= seconds
            raise BrokenFileError(_MEDIA_TYPE, self._why_ended(timed_out, seconds)) from error
        finally:
            timer.cancel()

    def _exchange(self, request: tuple[bytes, ...]) -> dict[str, Any]:
        into, out = self._process.stdin, self._process.stdout
        if into is None or out is None:
            raise RuntimeError("the renderer is started with pipes")
        for part in request:
            into.write(part)
        into.flush()
        line = out.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        answer: dict[str, Any] = json.loads(line)
        if "refusal" in answer:
            raise _refusal(answer["refusal"], answer["values"])
        if "size" in answer:
            width, height = answer["size"]
            pixels = out.read(width * height * _CHANNELS)
            if len(pixels) < width * height * _CHANNELS:
                raise EOFError
            answer["image"] = Image.frombytes("RGB", (width, height), pixels)
        return answer

    def _why_ended(self, timed_out: bool, seconds: float) -> str:
        status = self._process.wait()
        if timed_out:
            return f"rendering took over {seconds:.0f} s"
        self._complaints.seek(0)
        detail = self._complaints.read().decode(errors="replace").strip().split("\n")[-1][:120]
        return detail or f"rendering ended with status {status}"


@functools.cache
def _library() -> str:
    """Return the path of PDFium in its wheel, without loading it into this process."""
    found = importlib.util.find_spec("pypdfium2_raw")
    folders = [Path(folder) for folder in (found.submodule_search_locations or [] if found else [])]
    path = next((path for folder in folders for path in sorted(folder.glob("*pdfium.*")) if path.suffix != ".py"), None)
    if path is None:
        raise ConfigurationError("PDFium is missing; pypdfium2's wheel brings it: install again with `make setup`.")
    return str(path)


def _refusal(name: str, values: list[Any]) -> UnreadableError:
    return _REFUSALS[name](*values) if name in _REFUSALS else BrokenFileError(_MEDIA_TYPE, *values)
