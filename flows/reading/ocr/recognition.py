"""What a line says: a recognition network, its characters, and how sure it is of each piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from flows.reading.ocr.inference import Floats32, Network
from flows.reading.ocr.lines import LINE_HEIGHT_PX
from flows.reading.ocr.pixels import Pixels, as_input, resized

# Where every width costs memory and preparation of its own, lines are padded to one of these: 11 widths instead of 26
# took 0.73 of the CPU and 180 MB less. Elsewhere to whole steps.
_WIDTHS_PX = (160, 224, 320, 448, 640, 896, 1280, 1792, 2560, 3584)
_WIDTH_STEP_PX = 32


@dataclass(frozen=True)
class Reading:
    """What a line says, the mean confidence of its characters, and a confidence for each piece between spaces.

    A piece with digits is as sure as its least sure digit, since one wrong digit is what makes a total wrong.
    `least_digit` is the confidence of the line's least sure digit, None where it has no digits.
    """

    text: str
    confidence: float
    parts: tuple[float, ...]
    least_digit: float | None = None


class LineReader:
    """Reads line pictures with one recognition network.

    Args:
        network: takes one line at a time, and answers how likely each character is in each column.
        characters: what it knows, in its order.
        few_widths: pad lines to few widths, as every width costs.
        more_room_px: pixels that lines are padded with at least, where widths cost nothing.
    """

    def __init__(self, network: Network, characters: Sequence[str], *, few_widths: bool, more_room_px: int = 0) -> None:
        self._network = network
        self._characters = ("", *characters, " ")  # the first stands for what is between characters
        self._few_widths = few_widths
        self._more_room_px = more_room_px

    def read(self, line: Pixels) -> Reading:
        """The text of a line picture, LINE_HEIGHT_PX high, in BGR."""
        width = self._padded(line.shape[1])
        if line.shape[1] > width:
            line = resized(line, width, LINE_HEIGHT_PX)
        padded = np.zeros((1, 3, LINE_HEIGHT_PX, width), dtype=np.float32)
        padded[..., : line.shape[1]] = as_input(line)
        likely = self._network.run(padded)[0]
        best = likely.argmax(axis=1)
        return self._reading(best, likely[np.arange(len(best)), best])

    def _padded(self, width: int) -> int:
        if self._few_widths:
            return next((wide for wide in _WIDTHS_PX if wide >= width), _WIDTHS_PX[-1])
        return min(-(-(width + self._more_room_px) // _WIDTH_STEP_PX) * _WIDTH_STEP_PX, _WIDTHS_PX[-1])

    def _reading(self, best: NDArray[np.int64], sure: Floats32) -> Reading:
        """Columns to characters (CTC): a character is seen in several columns, and as sure as in the best of them."""
        starts = np.flatnonzero(np.append(True, best[1:] != best[:-1]))
        said = best[starts] != 0
        if not said.any():
            return Reading("", 0.0, ())
        characters = [self._characters[number] for number in best[starts][said]]
        surest = np.maximum.reduceat(sure, starts)[said].tolist()
        digits = [sure for character, sure in zip(characters, surest, strict=True) if character.isdecimal()]
        confidence = float(sure[starts][said].mean())
        return Reading("".join(characters), confidence, _parts(characters, surest), min(digits, default=None))


def _parts(characters: Sequence[str], sure: Sequence[float]) -> tuple[float, ...]:
    pieces = groupby(zip(characters, sure, strict=True), key=lambda seen: seen[0].isspace())
    return tuple(_part(list(piece)) for is_space, piece in pieces if not is_space)


def _part(piece: Sequence[tuple[str, float]]) -> float:
    digits = [confidence for character, confidence in piece if character.isdecimal()]
    confidence = min(digits) if digits else sum(confidence for _, confidence in piece) / len(piece)
    return round(min(1.0, max(0.0, confidence)), 4)
