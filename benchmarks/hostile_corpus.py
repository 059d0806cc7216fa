"""The corpus of hostile files: seeded mutations of generated pictures in every accepted format, and known tricks.

The same seed gives the same files.
"""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator

import pillow_heif
from PIL import Image, ImageDraw, ImageFont

TEXT = ("CORNER SHOP", "12 High Street", "2024-03-05 12:31", "Milk 1.20", "Bread 2.35", "TOTAL 3.55", "CASH 5.00")
Case = tuple[str, bytes]  # "<format>/<mutation>/<number>", content


def corpus(count: int, seed: int) -> Iterator[Case]:
    """The known tricks, then `count` mutated files, spread evenly over formats and mutations."""
    yield from _tricks()
    bases = _bases()
    kinds = [(name, mutation) for name in bases for mutation in _MUTATIONS]
    for number in range(count):
        name, mutation = kinds[number % len(kinds)]
        chance = random.Random(f"{seed}/{number}")
        yield f"{name}/{mutation.__name__.strip('_')}/{number}", mutation(bases[name], chance, bases)


def _bases() -> dict[str, bytes]:
    pillow_heif.register_heif_opener()
    receipt = _receipt()
    grey = receipt.convert("L")
    return {
        "jpeg": _saved(receipt, "JPEG", quality=80),
        "jpeg-progressive": _saved(receipt, "JPEG", progressive=True),
        "png": _saved(receipt, "PNG"),
        "png-palette": _saved(receipt.convert("P"), "PNG"),
        "webp": _saved(receipt, "WEBP"),
        "webp-lossless": _saved(grey, "WEBP", lossless=True),
        "tiff": _saved(receipt, "TIFF"),
        "tiff-lzw": _saved(grey, "TIFF", compression="tiff_lzw"),
        "tiff-pages": _saved(grey, "TIFF", save_all=True, append_images=[grey, grey]),
        "heic": _saved(receipt, "HEIF"),
        "pdf": _saved(receipt, "PDF"),
        "pdf-pages": _saved(grey, "PDF", save_all=True, append_images=[grey]),
    }


def _receipt() -> Image.Image:
    image = Image.new("RGB", (260, 300), (245, 244, 240))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=22)
    for row, text in enumerate(TEXT):
        draw.text((20, 20 + 38 * row), text, fill=(30, 30, 35), font=font)
    return image


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _truncated(data: bytes, chance: random.Random, _: dict[str, bytes]) -> bytes:
    return data[: chance.randrange(1, len(data))]


def _bits_flipped(data: bytes, chance: random.Random, _: dict[str, bytes]) -> bytes:
    changed = bytearray(data)
    for _i in range(chance.choice((1, 4, 32))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _head_flipped(data: bytes, chance: random.Random, _: dict[str, bytes]) -> bytes:
    """Headers, sizes and directories are where decoders trust most."""
    changed = bytearray(data)
    for _i in range(chance.choice((1, 2, 6))):
        changed[chance.randrange(4, min(256, len(changed)))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
    return bytes(changed)


def _blanked(data: bytes, chance: random.Random, _: dict[str, bytes]) -> bytes:
    start = chance.randrange(8, len(data))
    length = chance.randrange(1, 2000)
    return data[:start] + bytes(len(data[start : start + length])) + data[start + length :]


def _repeated(data: bytes, chance: random.Random, _: dict[str, bytes]) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + data[max(0, start - chance.randrange(1, 4000)) :]


def _spliced(data: bytes, chance: random.Random, bases: dict[str, bytes]) -> bytes:
    other = bases[chance.choice(sorted(bases))]
    return data[: chance.randrange(8, len(data))] + other[chance.randrange(len(other)) :]


def _size_forged(data: bytes, chance: random.Random, _: dict[str, bytes]) -> bytes:
    """A 32-bit or 16-bit field somewhere near the head claims an extreme value."""
    at = chance.randrange(4, min(512, len(data) - 4))
    value = chance.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 40_000))
    forged = (
        struct.pack(chance.choice("<>") + "I", value) if chance.random() < 0.6 else struct.pack(">H", value & 0xFFFF)
    )
    return data[:at] + forged + data[at + len(forged) :]


_MUTATIONS: tuple[Callable[[bytes, random.Random, dict[str, bytes]], bytes], ...] = (
    _truncated,
    _bits_flipped,
    _head_flipped,
    _blanked,
    _repeated,
    _spliced,
    _size_forged,
)


def _tricks() -> Iterator[Case]:
    picture = _saved(_receipt(), "JPEG")
    yield "trick/empty/0", b""
    yield "trick/text/0", "TOTAL 3.55 €\n".encode() * 20
    yield "trick/blank/0", _saved(Image.new("RGB", (400, 400), "white"), "PNG")
    yield "trick/noise/0", _saved(Image.effect_noise((500, 700), 90), "PNG")
    yield "trick/sliver/0", _saved(Image.new("L", (20_000, 33), "white"), "PNG")
    yield "trick/pixel-bomb/0", _png_claiming(20_000, 15_000)
    yield "trick/pixel-bomb/1", _saved(Image.new("1", (20_000, 15_000)), "PNG")
    yield "trick/pixel-bomb/2", _saved(Image.new("1", (20_000, 15_000)), "TIFF", compression="group4")
    yield "trick/gif/0", _saved(_receipt(), "GIF")
    yield "trick/jpeg-then-pdf/0", picture + _saved(_receipt(), "PDF")
    yield "trick/pdf-after-junk/0", b"\0" * 700 + _saved(_receipt(), "PDF")
    yield "trick/zip-with-pdf/0", b"PK\x03\x04" + _saved(_receipt(), "PDF")
    for number, objects in enumerate(_PDF_TRICKS):
        yield f"trick/pdf/{number}", _pdf(objects)


def _png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def _pdf(objects: list[str]) -> bytes:
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n".encode()
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>"
    return body + f"{end}\nstartxref\n{len(body)}\n%%EOF\n".encode()


def _stream(content: str, more: str = "") -> str:
    return f"<< /Length {len(content)} {more}>>\nstream\n{content}\nendstream"


_ROOT = "<< /Type /Catalog /Pages 2 0 R >>"
_ONE_PAGE = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"


def _page(box: str, more: str = "") -> str:
    return f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] {more}>>"


_FORM = "/Type /XObject /Subtype /Form /BBox [0 0 200 200] /Resources << /XObject << /F 5 0 R >> >> "
_PDF_TRICKS = [
    [_ROOT, "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 /Parent 2 0 R >>"],  # pages that contain themselves
    [_ROOT, "<< /Type /Pages /Kids [3 0 R] /Count 2000000000 >>", _page("0 0 200 200")],
    [_ROOT, _ONE_PAGE, _page("0 0 100000000 100000000")],
    [_ROOT, _ONE_PAGE, _page("0 0 1 100000000")],
    [_ROOT, _ONE_PAGE, _page("0 0 0 0")],
    [_ROOT, _ONE_PAGE, _page("200 200 -1e30 -1e30")],
    # a form that draws itself
    [_ROOT, _ONE_PAGE, _page("0 0 200 200", "/Contents 4 0 R /Resources << /XObject << /F 5 0 R >> >> "),
     _stream("/F Do"), _stream("/F Do /F Do", _FORM)],
    # a picture of 3.6 billion pixels in a few bytes
    [_ROOT, _ONE_PAGE, _page("0 0 200 200", "/Contents 4 0 R /Resources << /XObject << /F 5 0 R >> >> "),
     _stream("q 100 0 0 100 0 0 cm /F Do Q"),
     _stream("abcd", "/Type /XObject /Subtype /Image /Width 60000 /Height 60000 /BitsPerComponent 8 "
             "/ColorSpace /DeviceGray ")],
    # ten thousand levels of nesting
    [_ROOT, _ONE_PAGE, _page("0 0 200 200", "/Contents 4 0 R "), _stream("q " * 10_000)],
    [_ROOT, _ONE_PAGE, _page("0 0 200 200", "/X " + "[" * 10_000 + "]" * 10_000)],
    [_ROOT, "<< /Type /Pages /Kids [" + "3 0 R " * 5_000 + "] /Count 5000 >>", _page("0 0 200 200")],
]  # fmt: skip
