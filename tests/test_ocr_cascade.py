"""What decides a receipt is read by the small network, whatever the tiny one made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from ocr_pages import LINES, receipt
from PIL import Image

from flows.reading.ocr.cascade import decisive_lines, is_sufficient
from flows.reading.ocr.geometry import Floats
from flows.reading.ocr.networks import Networks
from flows.reading.ocr.pixels import Pixels
from flows.reading.ocr.rapid import RapidEngine
from flows.reading.ocr.recognition import Reading


def quad(top: float, height: float = 20) -> Floats:
    return np.array([[10, top], [200, top], [200, top + height], [10, top + height]], dtype=np.float64)


def test_the_head_and_large_print_decide_wherever_detection_lists_them() -> None:
    tops = [700, 30, 60, 90, 120, 150, 180, 400, 430, 460]
    quads = np.array([quad(top, 45 if top == 400 else 20) for top in tops])
    assert decisive_lines(quads) == [1, 2, 3, 4, 5, 7]
    assert decisive_lines(np.zeros((0, 4, 2))) == []


@pytest.mark.parametrize(
    "draft",
    [
        Reading("Orangensaft 1,79 A", 0.97, (), 0.96),
        Reading("Thank you for shoping", 0.92, ()),
        Reading("3 x 12.50 37.50", 0.95, (), 0.97),
        Reading("1,234.56", 0.99, (), 0.99),
        Reading("RM12.50", 0.99, (), 0.99),
    ],
)
def test_sure_text_and_amounts_are_kept(draft: Reading) -> None:
    assert is_sufficient(draft)


@pytest.mark.parametrize(
    "draft",
    [
        Reading("Total 41.50", 0.97, (), 0.88),  # one doubtful digit
        Reading("Total 41.50", 0.84, (), 0.99),  # a doubtful label
        Reading("All Amounts Are in RH", 0.79, ()),
        Reading("", 0.0, ()),
        Reading("   ", 0.99, ()),  # letters that it does not know
        Reading(" 41", 0.99, (), 0.99),
        Reading("000", 0.99, (), 0.99),  # 0.00 without its point
        Reading("RM 1250", 0.99, (), 0.99),
        Reading("Sourdough bread4.75", 0.99, (), 0.99),  # without its space
        *(
            Reading(date, 0.999, (), 0.999)
            for date in (
                "2018-05-11",
                "Datum 11,04.20",
                "1.04:20'09:51",
                "11/5/18 10:02AM",
                "09h51",
                "14 MÄRZ 2024",
                "Oct. 3",
                "0kt 2 2024",
                "11 Mayis 2019",
            )
        ),
    ],
)
def test_dates_and_what_is_doubtful_are_read_again(draft: Reading) -> None:
    assert not is_sufficient(draft)


class MisreadingNetworks(Networks):
    """Its tiny network is sure that each 4 is a 1, garbles the first lines surely, and is unsure of all totals."""

    def __init__(self) -> None:
        super().__init__()
        self.drafted = self.read = 0

    def draft_lines(self, lines: Sequence[Pixels]) -> list[Reading]:
        self.drafted += len(lines)
        return [self._misread(reading) for reading in super().draft_lines(lines)]

    def read_lines(self, lines: Sequence[Pixels]) -> list[Reading]:
        self.read += len(lines)
        return super().read_lines(lines)

    def _misread(self, draft: Reading) -> Reading:
        text = draft.text.replace("4", "1").replace("BAKERY", "BAKFRY")
        return replace(
            draft, text=text, confidence=0.5 if "TOTAL" in text else 0.99, least_digit=draft.least_digit and 0.99
        )


def test_head_date_and_total_survive_a_tiny_network_that_misreads() -> None:
    one = receipt()
    page = Image.new("RGB", (one.width, 2 * one.height), "white")
    for half in (0, 1):
        page.paste(one, (0, half * one.height))
    networks = MisreadingNetworks()
    text = " ".join(word.text for word in RapidEngine(networks=networks).read(page).words)
    assert text.index("BAKERY") < text.index("BAKFRY")  # the head, and the second name, which is none
    assert text.count("14/03/2024") == text.count("TOTAL   10.90".replace("   ", " ")) / 2 == 2
    assert text.count("4.75") == text.count("1.75") == 1  # goods are the tiny network's, below the head
    assert 0 < networks.read < len(LINES) < networks.drafted < 2 * len(LINES)
