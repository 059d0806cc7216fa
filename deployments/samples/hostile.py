"""Files that are no readable receipts, made cheaply, each with the state that it must end in."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from deployments.samples.catalogue import CATALOGUE
from deployments.samples.model import Wear
from deployments.samples.render import render_receipt
from deployments.samples.wear import clouds

_WIDTH, _HEIGHT = 20_000, 15_000  # 300 megapixels, 37 MB as bits, far below a megabyte packed
# File name and the final state that it must reach: none of them is a readable image or document with text.
HOSTILE: Mapping[str, str] = dict.fromkeys(
    ("shopping-list.txt", "error-page.jpg", "empty.jpg", "truncated.jpg", "huge.png", "locked.pdf", "no-text.jpg"),
    "quarantined",
)
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def render_hostile(folder: Path, *, seed: int = 7) -> dict[str, str]:
    """Write the hostile files into `folder` and return, by file name, the final state that each must reach."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shopping-list.txt").write_text("milk\neggs\nbread\n", encoding="utf-8")
    (folder / "error-page.jpg").write_bytes(b"<!DOCTYPE html><html><body>404: no such receipt</body></html>\n")
    (folder / "empty.jpg").write_bytes(b"")
    _write_truncated(folder / "truncated.jpg", seed)
    _write_huge_png(folder / "huge.png")
    (folder / "locked.pdf").write_bytes(_locked_pdf())
    _write_photo(folder / "no-text.jpg", seed)
    return dict(HOSTILE)


def _write_truncated(path: Path, seed: int) -> None:
    """A JPEG whose upload broke off: a third of its bytes."""
    render_receipt(CATALOGUE[0], path, seed=seed)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 3])


def _write_huge_png(path: Path) -> None:
    """A valid 1-bit PNG, written row by row, so that neither side of this test needs its memory."""
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 1, 0, 0, 0, 0)
    with path.open("wb") as file:
        file.write(_PNG_SIGNATURE)
        file.write(_chunk(b"IHDR", header))
        for packed in _packed_rows():
            file.write(_chunk(b"IDAT", packed))
        file.write(_chunk(b"IEND", b""))


def _packed_rows() -> Iterator[bytes]:
    packer = zlib.compressobj(9)
    row = b"\x00" + b"\xff" * (_WIDTH // 8)
    for _ in range(_HEIGHT):
        if packed := packer.compress(row):
            yield packed
    yield packer.flush()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _locked_pdf() -> bytes:
    """A minimal PDF under the standard security handler whose password nobody knows: its check values are made up."""
    check = "5A" * 32
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 226 600] >>",
        f"<< /Filter /Standard /V 2 /R 3 /Length 128 /P -3904 /O <{check}> /U <{check}> >>",
    )
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n".encode()
    entries = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    key = "00" * 16
    trailer = f"<< /Size {len(objects) + 1} /Root 1 0 R /Encrypt 4 0 R /ID [<{key}> <{key}>] >>"
    places = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{entries}"
    return body + f"{places}trailer\n{trailer}\nstartxref\n{len(body)}\n%%EOF\n".encode()


def _write_photo(path: Path, seed: int) -> None:
    """A picture of nothing, as a phone takes it in a pocket: soft warm darkness with a camera's noise."""
    rng = np.random.default_rng([seed, zlib.crc32(path.name.encode())])
    light = clouds((1200, 900), 4, rng) * np.array((150, 105, 80), np.float32) + 30
    noise = 4 * rng.standard_normal(light.shape, dtype=np.float32)
    picture = Image.fromarray(np.clip(light + noise, 0, 255).astype(np.uint8), "RGB")
    picture.save(path, "JPEG", quality=Wear().jpeg_quality)
