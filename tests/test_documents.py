"""Intake decides the type by content, refuses by header before decoding, and hands out upright, bounded pages."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageDraw

from flows.domain.errors import UnreadableError
from flows.reading.documents import (
    BrokenFileError,
    EmptyFileError,
    EncryptedFileError,
    Limits,
    TooLargeError,
    TooManyPagesError,
    TooSmallError,
    UnsupportedTypeError,
    open_document,
)

LIMITS = Limits()
EXIF_ORIENTATION = 0x0112


def picture(width: int = 300, height: int = 500) -> Image.Image:
    """White with a dark square in the top left corner, so that every turn can be seen."""
    image = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(image).rectangle((0, 0, width // 3, height // 5), fill=(20, 30, 40))
    return image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def dark_corner(image: Image.Image) -> tuple[bool, bool]:
    """Whether the darkest quadrant is at the left, and at the top."""
    grey = np.asarray(image.convert("L"), dtype=float)
    ys, xs = np.nonzero(grey < 128)
    return bool(xs.mean() < grey.shape[1] / 2), bool(ys.mean() < grey.shape[0] / 2)


def png_claiming(width: int, height: int) -> bytes:
    """A few bytes of PNG whose header claims a huge size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def pdf(objects: list[str], trailer: str = "") -> bytes:
    """A PDF of numbered objects with a right cross-reference table; object 1 is the catalogue."""
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n".encode()
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R {trailer}>>"
    return body + f"{end}\nstartxref\n{len(body)}\n%%EOF\n".encode()


def pdf_of_pages(count: int, box: str = "0 0 595 842") -> bytes:
    kids = " ".join(f"{3 + i} 0 R" for i in range(count))
    pages = [f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] >>" for _ in range(count)]
    return pdf(["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {count} >>", *pages])


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("TIFF", "image/tiff"),
        ("HEIF", "image/heic"),
        ("AVIF", "image/avif"),
        ("GIF", "image/gif"),
        ("JPEG2000", "image/jp2"),
        ("PDF", "application/pdf"),
    ],
)
def test_each_format_is_known_by_its_content_and_decoded(kind: str, media_type: str) -> None:
    document = open_document(saved(picture(), kind), LIMITS)
    assert document.media_type == media_type
    assert len(document.sha256) == 64
    assert [page.number for page in document.pages] == [1]
    page = document.pages[0]
    assert page.image.mode in ("RGB", "L")
    assert page.image.width / page.image.height == pytest.approx(0.6, abs=0.01)
    assert dark_corner(page.image) == (True, True)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
def test_exif_orientation_is_obeyed_once(kind: str, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = picture().transpose(undo[orientation]) if orientation in undo else picture()
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    page = open_document(saved(stored, kind, exif=exif.tobytes()), LIMITS).pages[0]
    assert page.image.size == (300, 500)
    assert dark_corner(page.image) == (True, True)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F"])
def test_every_pixel_mode_becomes_plain(mode: str) -> None:
    if mode in ("I;16", "F"):
        deep = np.where(np.asarray(picture().convert("L")) < 128, 500, 60_000)
        stored = Image.fromarray(deep.astype(np.uint16 if mode == "I;16" else np.float32))
    else:
        stored = picture().convert(mode)
    page = open_document(saved(stored, "TIFF"), LIMITS).pages[0]
    assert page.image.mode in ("RGB", "L")
    assert dark_corner(page.image) == (True, True)


def test_transparency_is_white_paper() -> None:
    stored = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    page = open_document(saved(stored, "PNG"), LIMITS).pages[0]
    assert page.image.getpixel((50, 50)) == (255, 255, 255)


def test_many_pages_of_tiff_and_pdf_are_all_decoded() -> None:
    more = [picture(), picture(200, 300)]
    tiff = open_document(saved(picture(), "TIFF", save_all=True, append_images=more), LIMITS)
    assert [page.image.size for page in tiff.pages] == [(300, 500), (300, 500), (200, 300)]
    assert len(open_document(pdf_of_pages(3), LIMITS).pages) == 3
    assert len(open_document(pdf_of_pages(3), LIMITS, page=1).pages) == 1


def test_a_large_picture_is_reduced_and_says_how_much() -> None:
    document = open_document(saved(picture(4000, 6000), "JPEG"), LIMITS)
    page = document.pages[0]
    assert page.image.width * page.image.height <= 2 * LIMITS.page_pixels
    assert page.scale == pytest.approx(6000 / page.image.height)
    small = open_document(saved(picture(4000, 6000), "PNG"), Limits(page_pixels=500_000)).pages[0]
    assert small.image.size == (572, 858)  # a whole factor of 7
    assert small.scale == pytest.approx(7.0, abs=0.01)


def test_a_jpeg_hardly_twice_too_large_is_decoded_at_a_half() -> None:
    page = open_document(saved(picture(1390, 1970), "JPEG"), Limits(page_pixels=700_000)).pages[0]
    assert page.image.size == (695, 985)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"MILK\nTOTAL\n", "text without an amount and a date"),
        (b"milk\neggs\nTotal: 12.30 EUR\n", "text without an amount and a date"),
        (b"<!DOCTYPE html><html><body>404: no such receipt</body></html>", "a web page without any amount"),
        (b'{"a.jpg": {"total": "12.30", "date": "2026-11-20"}}', "JSON"),
        (b'[\n  {"total": "12.30", "date": "2026-11-20"}\n]', "JSON"),
        (b"From: a@example.com\nSubject: receipt\n\n<p>Total 63.63</p>", "a mail's source"),
        (b"<?xml version='1.0'?><note>1.20</note>", "XML that is no electronic invoice"),
        (b"BM" + b"\0" * 50, "BMP"),
        (b"PK\x03\x04" + b"\0" * 50, "ZIP"),
        (b"\0\0\0\x18ftypmp42" + b"\0" * 50, "video"),
        (bytes(range(128, 256)) * 4, "unknown"),
        (b"PK\x03\x04 %PDF-1.4 hidden", "ZIP"),
    ],
)
def test_other_content_is_refused_by_what_it_is(data: bytes, found: str) -> None:
    with pytest.raises(UnsupportedTypeError, match=found) as refusal:
        open_document(data, LIMITS)
    assert "JPEG, PNG, WebP, TIFF, HEIC, AVIF, GIF, JPEG 2000, PDF, HTML, text or" in str(refusal.value)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(EmptyFileError, match="0 bytes"):
        open_document(b"", LIMITS)


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(TooLargeError, match="bytes"):
        open_document(b"\xff\xd8\xff" + b"\0" * 100, Limits(max_bytes=50))


@pytest.mark.parametrize(("width", "height"), [(20_000, 15_000), (10_000, 8_000), (2_000_000, 40)])
def test_a_pixel_bomb_is_refused_by_its_header(width: int, height: int) -> None:
    with pytest.raises(TooLargeError) as refusal:
        open_document(png_claiming(width, height), LIMITS)
    assert refusal.value.got == width * height
    assert refusal.value.limit == LIMITS.max_pixels


def test_a_sliver_is_refused() -> None:
    with pytest.raises(TooSmallError):
        open_document(saved(picture(500, 10), "PNG"), LIMITS)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF", "GIF", "JPEG2000", "PDF"])
def test_a_truncated_file_is_unreadable(kind: str) -> None:
    whole = saved(Image.effect_noise((600, 900), 80).convert("RGB"), kind)
    with pytest.raises(UnreadableError):
        open_document(whole[: len(whole) // 3], LIMITS)


def test_a_truncated_jpeg_says_what_to_do() -> None:
    whole = saved(picture(), "JPEG")
    with pytest.raises(BrokenFileError, match=r"damaged or incomplete.*again"):
        open_document(whole[: len(whole) // 2], LIMITS)


def test_too_many_pages_are_refused() -> None:
    with pytest.raises(TooManyPagesError):
        open_document(pdf_of_pages(5), Limits(max_pages=4))
    pages = [picture(40, 40)] * 4
    with pytest.raises(TooManyPagesError):
        open_document(saved(picture(40, 40), "TIFF", save_all=True, append_images=pages), Limits(max_pages=4))


def test_an_encrypted_pdf_is_refused_with_the_cure() -> None:
    encrypt = (
        "/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 "
        f"/O <{'11' * 32}> /U <{'22' * 32}> >> /ID [<{'33' * 16}> <{'33' * 16}>] "
    )
    page = pdf(
        ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
         "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>"], encrypt)  # fmt: skip
    with pytest.raises(EncryptedFileError, match="without the password"):
        open_document(page, LIMITS)


def test_a_huge_page_box_does_not_inflate_the_rendering() -> None:
    page = open_document(pdf_of_pages(1, "0 0 14000 14000"), LIMITS).pages[0]
    assert page.image.width * page.image.height <= LIMITS.page_pixels * 1.01


def test_a_pdf_with_a_picture_bomb_is_refused_before_it_is_drawn() -> None:
    bomb = (
        "<< /Type /XObject /Subtype /Image /Width 60000 /Height 60000 /BitsPerComponent 8 "
        "/ColorSpace /DeviceGray /Length 4 >>\nstream\nabcd\nendstream"
    )
    draw = "q 100 0 0 100 0 0 cm /P Do Q"
    data = pdf(
        ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
         "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 5 0 R "
         "/Resources << /XObject << /P 4 0 R >> >> >>",
         bomb, f"<< /Length {len(draw)} >>\nstream\n{draw}\nendstream"])  # fmt: skip
    with pytest.raises(TooLargeError, match="one picture"):
        open_document(data, LIMITS)


def test_a_cyclic_pdf_ends() -> None:
    loop = pdf(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 /Parent 2 0 R >>"])
    with pytest.raises(UnreadableError):
        open_document(loop, LIMITS)


def test_bytes_of_two_formats_are_judged_by_how_they_begin() -> None:
    both = saved(picture(), "JPEG") + pdf_of_pages(1)
    assert open_document(both, LIMITS).media_type == "image/jpeg"


def test_the_file_system_is_never_touched(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedTypeError):
        open_document(str(tmp_path).encode(), LIMITS)


def test_a_pdf_that_draws_itself_for_ever_is_given_up() -> None:
    def stream(content: str, more: str = "") -> str:
        return f"<< /Length {len(content)} {more}>>\nstream\n{content}\nendstream"

    resources = "/Resources << /XObject << /F 5 0 R >> >>"
    loop = pdf(
        ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
         f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R {resources} >>", stream("/F Do"),
         stream("/F Do /F Do", f"/Type /XObject /Subtype /Form /BBox [0 0 200 200] {resources} ")])  # fmt: skip
    with pytest.raises(BrokenFileError):
        open_document(loop, Limits(pdf_cpu_seconds=2))
