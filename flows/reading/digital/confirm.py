"""Whether what is drawn says what a PDF's text says, by reading the places that decide.

Letters are drawn by the font's own pictures, whatever the text calls them: an 8 can be called a 3. Only reading tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from rapidfuzz import fuzz

from flows.reading.parser import Place, squeeze

_MIN_LIKENESS = 88.0  # of words, in percent; an engine misreads letters of a clean page at times
_POINT = re.compile(r"(?<=\d)[.,](?=\d)")
_MAX_PIECES_CHARACTERS = 60  # of places that are read at once, in one picture: that takes half as long
Read = Callable[[Sequence[Place]], str]


def is_confirmed(places: Sequence[Place], quickly: Read, carefully: Read) -> bool:
    """Tell whether each place reads as its text says: the digits exactly, the letters nearly.

    Args:
        quickly: Reads what is drawn at some places of one page, one after the other. What agrees needs no second look,
            since a misread that happens to be what a false text says is next to impossible.
        carefully: The same, better and dearer.
    """
    return all(_is_group_confirmed(group, quickly, carefully) for group in _groups(places))


def _is_group_confirmed(places: Sequence[Place], quickly: Read, carefully: Read) -> bool:
    said = " ".join(place.text for place in places)
    if _agrees(said, quickly(places)) or _agrees(said, carefully(places)):
        return True
    return len(places) > 1 and all(_agrees(place.text, carefully([place])) for place in places)


def _groups(places: Sequence[Place]) -> list[list[Place]]:
    groups: list[list[Place]] = []
    for place in sorted(places, key=lambda place: place.page):
        last = groups[-1] if groups else []
        length = sum(len(each.text) + 1 for each in last) + len(place.text)
        if not last or last[0].page != place.page or length > _MAX_PIECES_CHARACTERS:
            groups.append([place])
        else:
            last.append(place)
    return groups


def _agrees(said: str, seen: str) -> bool:
    if _digits(said) != _digits(seen):
        return False
    letters = "".join(filter(str.isalpha, squeeze(said)))
    return not letters or fuzz.ratio(letters, "".join(filter(str.isalpha, squeeze(seen)))) >= _MIN_LIKENESS


def _digits(text: str) -> str:
    pointed = _POINT.sub("·", text)
    return "".join(char for char in pointed if char.isdecimal() or char == "·")
