"""PDF pages as pictures, rendered by a short-lived process with bounded CPU and memory (`pdf_renderer`)."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from flows.domain.errors import UnreadableError
from flows.reading.documents.errors import (
    BrokenFileError,
    EncryptedFileError,
    NoSuchPageError,
    TooLargeError,
    TooManyPagesError,
    TooSmallError,
)
from flows.reading.documents.limits import Limits

_MEDIA_TYPE = "application/pdf"
_REFUSALS = {
    error.__name__: error
    for error in (EncryptedFileError, NoSuchPageError, TooLargeError, TooManyPagesError, TooSmallError)
}
# Beside the pages themselves: PDFium, a decoded picture of max_pixels in colour, and its working copies.
_BASE_MEMORY_BYTES = 1_000_000_000
_BYTES_PER_PIXEL = 8
# CPU time ends a loop; this ends a process that waits, and is far longer: a busy machine is no reason to refuse.
_WALL_PER_CPU_SECONDS = 8


def render_pages(data: bytes, limits: Limits, *, page: int | None = None) -> list[tuple[Image.Image, float]]:
    """Every page as an "RGB" image, with its scale (always 1.0: a page has no stored pixels).

    Raises:
        EncryptedFileError, NoSuchPageError, TooManyPagesError, TooLargeError, TooSmallError: before rendering.
        BrokenFileError: PDFium gave up, fell over, or took longer than `Limits.pdf_cpu_seconds`.
    """
    head, _, pixels = _rendered(data, limits, page).partition(b"\n")
    answer: dict[str, Any] = json.loads(head)
    if "refusal" in answer:
        raise _refusal(answer["refusal"], answer["values"])
    pages, start = [], 0
    for width, height in answer["sizes"]:
        end = start + width * height * 3
        pages.append((Image.frombytes("RGB", (width, height), pixels[start:end]), 1.0))
        start = end
    return pages


def _rendered(data: bytes, limits: Limits, page: int | None) -> bytes:
    settings = asdict(limits) | {
        "page": page,
        "cpu_seconds": limits.pdf_cpu_seconds,
        "memory_bytes": _BASE_MEMORY_BYTES + limits.max_pixels * _BYTES_PER_PIXEL,
    }
    # By path, not by module name: importing the package would cost more than the rendering.
    command = [sys.executable, str(Path(__file__).with_name("pdf_renderer.py")), json.dumps(settings)]
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, timeout=limits.pdf_cpu_seconds * _WALL_PER_CPU_SECONDS, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise BrokenFileError(_MEDIA_TYPE, f"rendering took over {error.timeout:.0f} s") from error
    except subprocess.CalledProcessError as error:
        detail = error.stderr.decode(errors="replace").strip().split("\n")[-1][:120]
        raise BrokenFileError(_MEDIA_TYPE, detail or f"rendering ended with status {error.returncode}") from error
    return done.stdout


def _refusal(name: str, values: list[Any]) -> UnreadableError:
    return _REFUSALS[name](*values) if name in _REFUSALS else BrokenFileError(_MEDIA_TYPE, *values)
