"""Each engine reads a page whichever way it was held, puts its words on the upright picture, and always the same."""

from __future__ import annotations

import numpy as np
import pytest
from ocr_pages import LINES, receipt, shaded, tilted
from PIL import Image

from flows.domain.errors import ConfigurationError
from flows.reading.ocr import OcrPage, load_engine

ENGINES = ["tesseract", "rapidocr"]
WANTED = ("BAKERY", "14/03/2024", "10.90", "20.00", "9.10")


def text_of(page: OcrPage) -> str:
    return " ".join(word.text for word in page.words)


def assert_reads_as_upright(page: OcrPage) -> None:
    text = text_of(page)
    assert [wanted for wanted in WANTED if wanted not in text] == []
    places = [text.index(part) for part in ("BAKERY", "Leeds", "Sourdough", "SUBTOTAL", "CHANGE", "Thank")]
    assert places == sorted(places)
    for word in page.words:
        assert 0 <= word.bbox.left < word.bbox.right <= page.upright.width
        assert 0 <= word.bbox.top < word.bbox.bottom <= page.upright.height


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_page_is_read_whichever_way_it_was_held(engine: str, turn: int) -> None:
    page = load_engine(engine).read(receipt().rotate(turn, expand=True))
    assert_reads_as_upright(page)
    assert (page.upright.width, page.upright.height) == receipt().size


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("degrees", [-4.0, 3.0, 25.0, 94.0, 95.0, 177.0, 183.0, 266.0, 275.0])
def test_a_tilted_page_is_read_level(engine: str, degrees: float) -> None:
    page = load_engine(engine).read(tilted(receipt(paper=255), degrees))
    assert_reads_as_upright(page)
    amounts = {word.text.split()[-1]: word.bbox for word in page.words if word.text.endswith(("4.75", "2.30", "3.85"))}
    assert len(amounts) == 3
    assert amounts["4.75"].bottom <= amounts["2.30"].top + 15


@pytest.mark.parametrize("engine", ENGINES)
def test_shadows_do_not_matter(engine: str) -> None:
    assert_reads_as_upright(load_engine(engine).read(shaded(receipt())))


@pytest.mark.parametrize("engine", ENGINES)
def test_word_boxes_lie_on_the_ink(engine: str) -> None:
    image = receipt()
    page = load_engine(engine).read(image)
    ink = np.asarray(image.convert("L")) < 128
    word = next(word for word in page.words if "Sourdough" in word.text)
    left, top, right, bottom = (round(v) for v in word.bbox)
    row = np.nonzero(ink[top:bottom].any(axis=1))[0]
    assert ink[top:bottom, left:right].mean() > 0.05
    assert 2 < len(row) <= bottom - top


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_picture_gives_the_same_words(engine: str) -> None:
    reader = load_engine(engine)
    first = reader.read(receipt())
    reader.read(receipt(size=22).rotate(90, expand=True))
    assert reader.read(receipt()).words == first.words


@pytest.mark.parametrize("engine", ENGINES)
def test_the_way_to_the_upright_picture_is_the_same_alone(engine: str) -> None:
    image = tilted(receipt(paper=255), 93.0)
    reader = load_engine(engine)
    alone, read = reader.upright(image), reader.read(image).upright
    assert (alone.width, alone.height) == (read.width, read.height)
    assert np.allclose(alone.matrix, read.matrix)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_blank_page_has_no_words(engine: str) -> None:
    assert load_engine(engine).read(Image.new("L", (600, 800), 255)).words == ()


def test_tesseracts_two_ways_agree() -> None:
    binary = load_engine("tesseract", variant="binary").read(receipt())
    assert_reads_as_upright(binary)
    assert "pytesseract" in load_engine("tesseract", variant="binary").version
    assert "tesserocr" in load_engine("tesseract", variant="in-process").version


def test_engines_load_once_and_refuse_what_is_not_there() -> None:
    assert load_engine("rapidocr") is load_engine("rapidocr")
    with pytest.raises(ConfigurationError, match="auto, rapidocr, tesseract"):
        load_engine("magic")
    with pytest.raises(ConfigurationError, match="xyz"):
        load_engine("tesseract", languages=("eng", "xyz"))
    with pytest.raises(ConfigurationError, match="variant"):
        load_engine("tesseract", variant="fast")
    with pytest.raises(ConfigurationError, match="no Tesseract at"):
        load_engine("tesseract", variant="binary", binary="/nowhere/tesseract")


def test_every_line_of_the_page_is_found_by_the_default_engine() -> None:
    text = text_of(load_engine("auto").read(receipt())).replace(" ", "")
    assert [line for line in LINES if line.replace(" ", "") not in text] == []


@pytest.mark.parametrize("turn", [0, 90])
def test_a_receipt_of_two_metres_is_read(turn: int) -> None:
    """Twelve receipts' lengths on one roll: every line is found once, whichever tile it lies in."""
    one = receipt()
    roll = Image.new("RGB", (one.width, 12 * one.height), "white")
    for number in range(12):
        roll.paste(one, (0, number * one.height))
    page = load_engine("rapidocr").read(roll.rotate(turn, expand=True))
    for wanted in ("BAKERY", "14/03/2024", "SUBTOTAL", "9.10"):
        assert sum(wanted in word.text for word in page.words) == 12, wanted
    tops = [word.bbox.top for word in page.words if "14/03/2024" in word.text]
    assert tops == sorted(tops)
