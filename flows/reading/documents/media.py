"""The type of an object, from its first bytes alone: names and declared types are the sender's word, not evidence."""

from __future__ import annotations

from flows.reading.documents.errors import UnsupportedTypeError
from flows.reading.documents.texts import text_of, text_type_of

# Readers accept a PDF whose header stands within the first kilobyte (ISO 32000-1, annex H, note 13).
_PDF_HEADER_WITHIN_BYTES = 1024
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_ACCEPTED = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
    b"II+\x00": "image/tiff",
    b"MM\x00+": "image/tiff",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"\x00\x00\x00\x0cjP  \r\n\x87\n": "image/jp2",
    b"\xff\x4f\xff\x51": "image/jp2",  # the bare code stream
    b"%PDF-": "application/pdf",
}
_REFUSED = {
    b"BM": "a BMP picture",
    b"PK\x03\x04": "a ZIP archive or office document",
    b"\x1f\x8b": "a gzip archive",
    b"\xd0\xcf\x11\xe0": "an old office document",
    b"MZ": "a Windows program",
    b"\x7fELF": "a Linux program",
    b"%!PS": "a PostScript document",
}


def is_document(head: bytes) -> bool:
    """Whether what begins so is a picture or another document that is read."""
    try:
        media_type_of(head)
    except UnsupportedTypeError:
        return False
    return True


def media_type_of(data: bytes) -> str:
    """The media type of one of the accepted formats.

    Raises:
        UnsupportedTypeError: the bytes begin like none of them; it names what they look like.
    """
    for magic, media_type in _ACCEPTED.items():
        if data.startswith(magic):
            return media_type
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        if _AVIF_BRANDS & _brands(data):
            return "image/avif"
        if data[8:12] in _HEIF_BRANDS:
            return "image/heic"
    # Only after all others: a picture with a PDF inside is judged by what it begins with.
    if b"%PDF-" in data[:_PDF_HEADER_WITHIN_BYTES] and not _refused_name(data):
        return "application/pdf"
    refused = _refused_name(data)
    text = None if refused else text_of(data)
    if text is not None:
        return text_type_of(text)
    raise UnsupportedTypeError(refused or _vague_name(data))


def _brands(data: bytes) -> set[bytes]:
    """Return the brands of an ISO media file: the major one, and those that it says it is compatible with."""
    end = min(int.from_bytes(data[:4], "big"), 256)
    return {data[8:12], *(data[start : start + 4] for start in range(16, end, 4))}


def _refused_name(data: bytes) -> str | None:
    return next((name for magic, name in _REFUSED.items() if data.startswith(magic)), None)


def _vague_name(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        return "a video or an unknown kind of picture"
    return "of an unknown type"
