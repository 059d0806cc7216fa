"""The Reader turns bytes into words on upright pages, shows that same upright page, and refuses textless pictures."""

from __future__ import annotations

import gc
import io
import weakref
from collections.abc import Callable

import numpy as np
import pytest
from ocr_pages import jpeg, receipt, tilted
from PIL import Image

from flows.domain.errors import UnreadableError
from flows.domain.fields import BBox, Page, Word
from flows.reading.documents import Limits, NoSuchPageError, TooLargeError
from flows.reading.ocr import OcrPage, Upright
from flows.reading.reader import NoRegionError, NoTextError, Reader


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


def test_words_pages_and_version_are_reported(reader: Reader) -> None:
    text = reader.extract(jpeg(receipt()))
    assert text.media_type == "image/jpeg"
    assert len(text.sha256) == 64
    assert text.engine_version == reader.version
    assert (text.pages[0].width, text.pages[0].height) == receipt().size
    assert any("TOTAL" in word.text for word in text.pages[0].words)


def test_every_page_of_a_document_is_read(reader: Reader) -> None:
    buffer = io.BytesIO()
    receipt().save(buffer, "PDF", save_all=True, append_images=[receipt(size=26)], resolution=150)
    text = reader.extract(buffer.getvalue())
    assert text.media_type == "application/pdf"
    assert [page.number for page in text.pages] == [1, 2]
    assert all(any("CHANGE" in word.text for word in page.words) for page in text.pages)


class OnePageAtATime:
    """An engine that notes how many of the pictures that it was ever handed are still in memory."""

    name, version = "weighing", "1"

    def __init__(self) -> None:
        self.handed: list[weakref.ref[Image.Image]] = []
        self.alive: list[int] = []

    def read(self, image: Image.Image) -> OcrPage:
        self.handed.append(weakref.ref(image))
        gc.collect()
        self.alive.append(sum(one() is not None for one in self.handed))
        word = Word(text="CHANGE", confidence=1.0, bbox=BBox(1, 1, 5, 5))
        return OcrPage((word, word), Upright.turned(image.size, 0.0))

    def upright(self, image: Image.Image) -> Upright:
        return Upright.turned(image.size, 0.0)


@pytest.mark.parametrize("kind", ["PDF", "TIFF"])
def test_a_document_of_many_pages_has_one_picture_in_memory_beside_the_first(kind: str) -> None:
    buffer = io.BytesIO()
    receipt().save(buffer, kind, save_all=True, append_images=[receipt()] * 5)
    engine, weighing = OnePageAtATime(), Reader()
    weighing.__dict__["_engine"] = engine
    text = weighing.extract(buffer.getvalue())
    assert [page.number for page in text.pages] == list(range(1, 7))
    assert max(engine.alive) == 2, "the first one is kept for the preview"


def test_pages_that_were_kept_are_not_read_again(reader: Reader) -> None:
    buffer = io.BytesIO()
    receipt().save(buffer, "PDF", save_all=True, append_images=[receipt(size=26), receipt()], resolution=150)
    whole, read = reader.extract(buffer.getvalue()), []

    def kept_but_the_second(number: int, read_page: Callable[[], Page]) -> Page:
        if number != 2:
            return whole.pages[number - 1]
        read.append(number)
        return read_page()

    assert reader.extract(buffer.getvalue(), kept_but_the_second) == whole
    assert read == [2]
    preview = Image.open(io.BytesIO(reader.preview(buffer.getvalue())))
    assert preview.height > preview.width, "the first page is opened for it again"


@pytest.mark.parametrize("turn", [0.0, 90.0, 183.0])
def test_the_preview_is_the_page_that_the_words_lie_on(turn: float) -> None:
    data = jpeg(tilted(receipt(), turn))
    page = Reader().extract(data).pages[0]
    shown = Image.open(io.BytesIO(Reader().preview(data, max_height=10_000)))  # in a process that has not read it
    assert shown.size == (page.width, page.height)
    word = next(word for word in page.words if "Sourdough" in word.text)
    cut = shown.crop(tuple(round(v) for v in word.bbox)).convert("L")
    assert cut.getextrema()[0] < 90


@pytest.mark.parametrize("turn", [0.0, 90.0, 183.0])
@pytest.mark.parametrize("height", [300, 700])
def test_the_preview_is_bounded_and_shrunk_in_proportion(reader: Reader, turn: float, height: int) -> None:
    data = jpeg(tilted(receipt(), turn))
    page = reader.extract(data).pages[0]
    shown = Image.open(io.BytesIO(reader.preview(data, max_height=height)))
    assert shown.format == "JPEG"
    assert shown.height == height
    assert shown.width == pytest.approx(page.width * height / page.height, abs=1)
    word = next(word for word in page.words if "Sourdough" in word.text)
    cut = shown.crop(tuple(round(v * height / page.height) for v in word.bbox)).convert("L")
    assert cut.getextrema()[0] < 130


@pytest.mark.parametrize("colour", ["white", "black", (90, 130, 200)])
def test_a_picture_without_text_is_recognised(reader: Reader, colour: str) -> None:
    with pytest.raises(NoTextError, match="No text") as refusal:
        reader.extract(jpeg(Image.new("RGB", (800, 600), colour)))
    assert isinstance(refusal.value, UnreadableError)


@pytest.mark.parametrize("engine", ["tesseract", "rapidocr"])
@pytest.mark.parametrize("pattern", ["noise", "waves"])
def test_patterns_are_no_text(engine: str, pattern: str) -> None:
    rows, columns = np.mgrid[0:450, 0:350]
    waves = 127 + 120 * np.sin(columns / 17) * np.cos(rows / 23)
    pixels = waves if pattern == "waves" else np.random.default_rng(5).integers(0, 255, (450, 350))
    with pytest.raises(NoTextError):
        Reader(engine=engine).extract(jpeg(Image.fromarray(pixels.astype(np.uint8))))


def test_limits_reach_intake_and_the_version() -> None:
    narrow = Reader(limits=Limits(max_bytes=1000))
    with pytest.raises(TooLargeError):
        narrow.extract(jpeg(receipt()))
    assert Reader(limits=Limits(page_pixels=1_000_000)).version != Reader().version


def test_engines_differ_in_their_version() -> None:
    versions = {Reader(engine="tesseract").version, Reader(engine="rapidocr").version}
    versions.add(Reader(engine="tesseract", languages=("eng",)).version)
    assert len(versions) == 3


def _turned(degrees: float) -> bytes:
    return jpeg(tilted(receipt(), degrees))


@pytest.mark.parametrize("turn", [0.0, 90.0, 183.0])
def test_a_rectangle_of_the_page_is_read_again(reader: Reader, turn: float) -> None:
    data = _turned(turn)
    page = reader.extract(data).pages[0]
    word = next(word for word in page.words if "croissant" in word.text)
    again = Reader().read_region(data, 1, word.bbox)  # in a process that has not read the page
    assert [word.text.replace(" ", "") for word in again] == [word.text.replace(" ", "")]
    assert again[0].bbox == pytest.approx(word.bbox, abs=12)


def test_a_rectangle_around_some_lines_gives_them_in_order(reader: Reader) -> None:
    data = _turned(0)
    page = reader.extract(data).pages[0]
    lines = [word for word in page.words if "Date" in word.text or "SUBTOTAL" in word.text]
    box = BBox(0, lines[0].bbox.top, page.width * 2, lines[1].bbox.bottom)
    text = [word.text for word in reader.read_region(data, 1, box)]
    assert "Date" in text[0] and "SUBTOTAL" in text[-1]
    assert not any("TOTAL" in line or "BAKERY" in line for line in text[1:-1])


def test_a_single_number_is_read(reader: Reader) -> None:
    data = _turned(0)
    word = next(word for word in reader.extract(data).pages[0].words if word.text.startswith("CHANGE"))
    number = word.bbox._replace(left=word.bbox.left + (word.bbox.right - word.bbox.left) * 0.6)
    assert [found.text.strip() for found in reader.read_region(data, 1, number)] == ["9.10"]


def test_tesseract_reads_a_rectangle_of_its_page() -> None:
    reader, data = Reader("tesseract"), _turned(0)
    word = next(word for word in reader.extract(data).pages[0].words if word.text == "SUBTOTAL")
    row = BBox(0, word.bbox.top - 8, 560, word.bbox.bottom + 8)
    assert "10.90" in [found.text for found in reader.read_region(data, 1, row)]


@pytest.mark.parametrize("box", [(10, 10, 10, 60), (5000, 0, 5100, 60), (60, 60, 10, 10), (0, 0, float("nan"), 50)])
def test_a_rectangle_without_page_is_refused(reader: Reader, box: tuple[float, ...]) -> None:
    with pytest.raises(NoRegionError, match="bbox"):
        reader.read_region(_turned(0), 1, BBox(*box))


def test_a_page_that_is_not_there_is_refused(reader: Reader) -> None:
    buffer = io.BytesIO()
    receipt().save(buffer, "PDF", resolution=150)
    for data, page in ((_turned(0), 2), (_turned(0), 0), (buffer.getvalue(), 3)):
        with pytest.raises(NoSuchPageError, match=f"no page {page}"):
            reader.read_region(data, page, BBox(0, 0, 100, 100))


def test_the_second_page_is_read_alone(reader: Reader) -> None:
    buffer = io.BytesIO()
    receipt().save(buffer, "PDF", save_all=True, append_images=[receipt(size=26)], resolution=150)
    page = reader.extract(buffer.getvalue()).pages[1]
    word = next(word for word in page.words if word.text.startswith("CHANGE"))
    assert "9.10" in reader.read_region(buffer.getvalue(), 2, word.bbox)[-1].text
