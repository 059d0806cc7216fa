"""The block that tells flows how receipts are read: engine, languages and the limits of what is accepted."""

from __future__ import annotations

from typing import Literal

from prefect.blocks.core import Block
from pydantic import Field


class OcrEngine(Block):
    """How receipts are read."""

    _block_type_name = "OCR Engine"
    _block_type_slug = "ocr-engine"
    _logo_url = None
    _description = "OCR engine, languages and input limits for receiptflow."

    engine: Literal["auto", "tesseract", "rapidocr"] = Field(
        default="auto",
        description="auto: the cheapest path that reads well; tesseract: smaller and for its languages only; "
        "rapidocr: neural, reads most.",
    )
    languages: tuple[str, ...] = Field(
        default=("eng", "deu"),
        description="Tesseract language codes whose data is installed; RapidOCR does not need them.",
    )
    max_bytes: int = Field(
        default=25_000_000, gt=0, description="Largest object that is read, in bytes; larger ones are quarantined."
    )
    max_pixels: int = Field(
        default=60_000_000,
        gt=0,
        description="Largest picture that is decoded, width times height; larger ones are quarantined undecoded.",
    )
    max_pages: int = Field(default=20, gt=0, description="Most pages of a PDF or TIFF; longer ones are quarantined.")
