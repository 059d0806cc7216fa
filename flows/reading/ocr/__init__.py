"""A page image becomes words with boxes and confidence, whichever way the page was held. Pure: no network."""

from flows.reading.ocr.engine import OcrEngine, OcrPage, load_engine
from flows.reading.ocr.geometry import Upright

__all__ = ["OcrEngine", "OcrPage", "Upright", "load_engine"]
