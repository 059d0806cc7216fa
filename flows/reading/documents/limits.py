"""What is accepted as a document and how much of it is decoded, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds on one received object, each refused before the expensive work that it bounds.

    Attributes:
        max_bytes: size of the object.
        max_pixels: width x height of one picture, as stored (also of each picture inside a PDF).
        max_pages: pages of a PDF or TIFF.
        min_side: pixels of the shorter side, below which no text can be read.
        page_pixels: pixels that a decoded page is reduced to where it has more; 300 dpi of an A4 scan.
        document_pixels: the same for all pages of a document together, so that memory stays bounded.
        pdf_dpi: resolution at which PDF pages are rendered, as far as page_pixels allows.
        pdf_cpu_seconds: CPU time that rendering a PDF may take.
    """

    max_bytes: int = 25_000_000
    max_pixels: int = 60_000_000
    max_pages: int = 20
    min_side: int = 32
    page_pixels: int = 9_000_000
    document_pixels: int = 40_000_000
    pdf_dpi: int = 200
    pdf_cpu_seconds: int = 30

    def pixels_per_page(self, pages: int) -> int:
        """How many pixels each of `pages` pages may have after decoding."""
        return min(self.page_pixels, self.document_pixels // pages)
