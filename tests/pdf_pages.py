"""PDFs for the tests, written here object by object: what they draw, and what their text says, is known."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

WIDTH, HEIGHT = 300, 420
RECEIPT = (
    "Corner Bakery Ltd",
    "12 High Street, Leeds",
    "Date 14/03/2024 12:31",
    "Sourdough bread         GBP 4.75",
    "Butter croissant        GBP 2.30",
    "Total                   GBP 7.05",
    "Paid by card            GBP 7.05",
)


def pdf(objects: Sequence[bytes]) -> bytes:
    """The file with these objects, the first of them the catalogue, and a cross-reference table."""
    out, offsets = io.BytesIO(), []
    out.write(b"%PDF-1.7\n")
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    rows = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out.write(b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, rows))
    out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
    return out.getvalue()


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(content), content)


def shown(lines: Sequence[str], *, left: float = 20, top: float = 390, size: float = 10, before: str = "") -> str:
    """The operators that show lines of text below each other; `before` sets colour or mode."""
    rows = [f"1 0 0 1 {left} {top - 2.2 * size * row} Tm ({line}) Tj" for row, line in enumerate(lines)]
    return f"q BT /F1 {size} Tf {before} " + " ".join(rows) + " ET Q\n"


def page(
    content: str,
    *,
    picture: Image.Image | None = None,
    to_unicode: dict[str, str] | None = None,
    attached: tuple[str, bytes] | None = None,
    rotate: int = 0,
) -> bytes:
    """A PDF of one page in Courier, on which the content may show the picture as /P1.

    Args:
        to_unicode: What the font calls a character that it draws as another: drawn → said.
        attached: Name and bytes of a file that the PDF carries.
    """
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding %s >>"
    objects = [
        b"",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Rotate %d /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> /ExtGState << /G0 << /ca 0 >> >> /XObject << /P1 6 0 R >> >> >>"
        % (WIDTH, HEIGHT, rotate),
        stream(content.encode("latin-1")),
        font % (b"/ToUnicode 7 0 R" if to_unicode else b""),
        _picture(picture or Image.new("L", (2, 2), 255)),
        stream(_cmap(to_unicode or {})),
    ]
    names = b""
    if attached:
        objects += [
            b"<< /Type /Filespec /F (%s) /UF (%s) /EF << /F 9 0 R >> >>" % ((attached[0].encode(),) * 2),
            stream(attached[1], b"/Type /EmbeddedFile /Subtype /text#2Fxml"),
        ]
        names = b"/Names << /EmbeddedFiles << /Names [(%s) 8 0 R] >> >>" % attached[0].encode()
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R %s >>" % names
    return pdf(objects)


def _picture(image: Image.Image) -> bytes:
    grey = image.convert("L")
    entries = b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8"
    return stream(grey.tobytes(), entries % grey.size)


def _cmap(said: dict[str, str]) -> bytes:
    every = {chr(code): chr(code) for code in range(32, 127)} | said
    rows = "\n".join(f"<{ord(drawn):02x}> <{ord(name):04x}>" for drawn, name in every.items())
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        f"1 begincodespacerange <00> <ff> endcodespacerange\n{len(every)} beginbfchar\n{rows}\nendbfchar\n"
        "endcmap CMapName currentdict /CMap defineresource pop end end"
    ).encode()
