"""The merchant's name: blocks of lines in the receipt's head, weighed by form, place, size and repetition.

Names printed as logos are often misread, so the winner's spelling is checked against the other places where the
receipt writes it: its web address, its legal name, its footer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from flows.reading.parser import names
from flows.reading.parser.folding import squeeze
from flows.reading.parser.lines import Line
from flows.reading.parser.look_alikes import in_one_script
from flows.reading.parser.name_spelling import domain_stems, respelled

HEAD_LINES = 16
MAX_NAME_LINES = 4
_ADDRESS_PENALTY = 2.0
_STREET_IN_NAME = 1.5  # given back to a receipt's first line that has a street's word and no number: `Wall Street Cafe`
_TRADE_AS_NAME = 1.5  # given back to `Pharmacy Centre` above its own address
_TRADE_AND_NAME = 0.5  # for `Papeterie` above `THÖNY`
_NUMBER_AS_NAME = 3.5  # for a company that is named by its number: the shop has a name of its own
_GARBLED_CONFIDENCE = 0.4  # at most, for a name that no language and no second place supports
_BRAND_CONFIDENCE = 0.75  # at most, for a brand that a logo is taken for: likely, and to be checked
_PLACE_PENALTY = 2.0  # for the name of a town that an address beside it has
_AFTER_TITLE_PENALTY = 2.2  # for a second company below the paper's title: mostly the one that buys
# A street with its house number, and the place below it with its postal code, in whatever language.
_HOUSE = re.compile(r"[^\d]{4,}[ ,.]\d{1,4} ?[a-zA-Z]?(?:[/\-]\d{1,4}[a-zA-Z]?)?[.,]?")
_POST_TOWN = re.compile(r"(?:[A-Za-z]{1,3}[ \-])?\d{3,5}(?: ?\d{2,3})? [^\d]{3,}|[^\d]{3,}[ ,]\d{4,6}")


@dataclass(frozen=True)
class NameCandidate:
    """A name with the lines that it was read from, and why it is believed."""

    name: str
    lines: tuple[Line, ...]
    score: float
    supported: bool = False  # by its legal form, its trade, or a second place on the receipt
    brand: bool = False  # the lines spell it with a slip; the list of brands has it


def find_merchants(lines: Sequence[Line]) -> list[NameCandidate]:
    """Return candidate names, best first; empty when nothing reads like a name."""
    if not lines:
        return []
    scene = _Scene.of(lines)
    blocks = [block for line in scene.head for block in _blocks(line, scene)]
    blocks += [
        (line,)
        for line in lines[len(scene.head) :]
        if names.legal_form(line.raw) and _may_be_name(line) and not line.money
    ]
    candidates = [
        NameCandidate(_joined(block), block, _score(block, scene), _is_supported(block, scene)) for block in blocks
    ]
    candidates += _from_domains(scene)
    ranked = sorted(candidates, key=lambda each: (-each.score, each.lines[0].index, -len(each.lines)))[:8]
    return [replace(each, name=respelled(each.name, lines, scene.domains)) for each in ranked]


def merchant_confidence(ranked: Sequence[NameCandidate]) -> float:
    """Return how likely the best-ranked name is the merchant's, from its score and its lead."""
    best = ranked[0]
    lead = best.score - next((other.score for other in ranked[1:] if squeeze(other.name) != squeeze(best.name)), 0.0)
    odds = -1.2 + 0.6 * min(best.score, 6.0) + 0.5 * min(lead, 2.0)
    sure = round(min(0.98, 1 / (1 + math.exp(-odds))), 3)
    if best.brand:
        return min(sure, _BRAND_CONFIDENCE)
    return sure if best.supported or not names.looks_garbled(best.name) else min(sure, _GARBLED_CONFIDENCE)


def looks_like_head(line: Line) -> bool:
    """Tell whether a line reads like the beginning of a receipt: a company's name or a receipt's title."""
    return not line.money and (names.legal_form(line.raw) or names.titles_receipt(line.raw))


@dataclass(frozen=True)
class _Scene:
    """The whole receipt, prepared once for the weighing."""

    lines: tuple[Line, ...]
    head: tuple[Line, ...]
    typical_height: float
    domains: tuple[str, ...]
    squeezed: tuple[str, ...]
    addresses: frozenset[int]

    @classmethod
    def of(cls, lines: Sequence[Line]) -> _Scene:
        return cls(
            tuple(lines),
            tuple(_head(lines)),
            median(line.row.height for line in lines),
            tuple(dict.fromkeys(stem for line in lines for stem in domain_stems(line.raw))),
            tuple(squeeze(line.raw) for line in lines),
            frozenset(_addresses(lines)),
        )


def _head(lines: Sequence[Line]) -> list[Line]:
    """Return the lines above the bought things."""
    head: list[Line] = []
    for line in lines[:HEAD_LINES]:
        if any(money.label.kind or money.amount.decimals == 2 for money in line.money) and len(head) > 2:
            break
        head.append(line)
    return head


def _addresses(lines: Sequence[Line]) -> Iterator[int]:
    """Yield the indexes of two lines below the first that read like a street and its town."""
    for street, town in pairwise(lines[1:HEAD_LINES]):
        is_street = _HOUSE.fullmatch(street.raw.strip()) is not None or names.looks_like_address(street.raw)
        if is_street and _POST_TOWN.fullmatch(town.raw.strip()) and not (street.money or town.money):
            yield from (street.index, town.index)


def _may_be_name(line: Line) -> bool:
    letters = sum(char.isalpha() for char in line.raw)
    wide = sum(ord(char) > 0x2E80 for char in line.raw)
    return letters + wide >= 3 and letters >= 0.4 * sum(map(str.isalnum, line.raw)) and not line.dates


def _blocks(line: Line, scene: _Scene) -> list[tuple[Line, ...]]:
    """Return the names that may begin with this line: the line alone, and with the lines that continue it."""
    if not _may_be_name(line):
        return []
    blocks: list[tuple[Line, ...]] = [(line,)]
    while len(blocks[-1]) < MAX_NAME_LINES:
        last = blocks[-1][-1]
        following = scene.lines[last.index + 1] if last.index + 1 < len(scene.lines) else None
        if following is None or not _continues(blocks[-1], following):
            break
        blocks.append((*blocks[-1], following))
    return blocks


def _continues(block: tuple[Line, ...], line: Line) -> bool:
    first, last = block[0], block[-1]
    if len(block) == 1 and _is_trade_above(last, line):
        return True
    if names.legal_form(_joined(block)) or not _name_like(last) or not _name_like(line, within=_open_bracket(block)):
        return False
    gap = line.row.bbox.top - last.row.bbox.bottom
    ratio = line.row.height / last.row.height
    if line.row.page != last.row.page or gap > 1.2 * last.row.height or not 0.6 <= ratio <= 1.6:
        return False
    if line.raw[-1:].isdigit() and not names.legal_form(line.raw):
        return False  # a house number
    same_case = _is_upper(first.raw) == _is_upper(line.raw)
    if _open_bracket(block) or (_incomplete_form(line.raw) and same_case):
        return True
    same_style = 0.8 <= ratio <= 1.25 and same_case and not names.only_trade(line.raw)
    return (
        same_style
        and len(last.raw.split()) <= 4
        and len(names.clean_name(line.raw).split()) <= 3
        and not names.legal_form(line.raw)
    )


def _is_trade_above(trade: Line, name: Line) -> bool:
    """Tell whether a line names a trade, and the next one, in letters of whatever size, whose it is."""
    if not (names.trade_word(trade.raw) and names.only_trade(trade.raw)) or trade.row.page != name.row.page:
        return False
    gap = name.row.bbox.top - trade.row.bbox.bottom
    is_name = _name_like(name) and not (names.only_trade(name.raw) or names.legal_form(name.raw))
    is_place = any(map(str.isdigit, name.raw))
    return (
        is_name
        and not is_place
        and bool(names.significant_words(name.raw))
        and gap <= max(trade.row.height, name.row.height)
    )


def _is_upper(text: str) -> bool:
    """Tell whether a text is in capitals, but for a letter that OCR saw otherwise: `STeTIONERY SDN.BHD`."""
    letters = [char for char in text if char.isalpha()]
    return len(letters) > 0 and 10 * sum(map(str.isupper, letters)) >= 9 * len(letters)


def _name_like(line: Line, *, within: bool = False) -> bool:
    text = line.raw
    if within and names.legal_form(text):
        return True
    return _may_be_name(line) and not (
        names.looks_like_address(text)
        or names.looks_like_contact(text)
        or names.looks_like_paper(text)
        or names.names_another_role(text)
        or names.looks_like_slogan(text)
    )


def _open_bracket(block: tuple[Line, ...]) -> bool:
    text = " ".join(line.raw for line in block)
    return text.count("(") > text.count(")")


def _incomplete_form(text: str) -> bool:
    """Tell whether the text is a legal form with too little of a name before it: `CO. (M) SDN BHD`."""
    return names.legal_form(text) and len(names.significant_words(text)) <= 1


def _joined(block: tuple[Line, ...]) -> str:
    return names.clean_name(
        in_one_script(" ".join(names.clean_name(line.raw) if line is not block[-1] else line.raw for line in block))
    )


def _score(block: tuple[Line, ...], scene: _Scene) -> float:
    text = in_one_script(" ".join(line.raw for line in block))
    legal = names.legal_form(text)
    score = 3.0 - 0.3 * sum(1 for line in scene.head[: block[0].index] if _may_be_name(line))
    score -= 1.2 if block[0].index >= len(scene.head) else 0.0
    score += _form_score(text, legal=legal)
    if not legal and block[0].index in scene.addresses:
        score -= _ADDRESS_PENALTY
    score -= _PLACE_PENALTY if not legal and _is_town(block, scene) else 0.0
    score -= _AFTER_TITLE_PENALTY if legal and _is_second_company(block, scene) else 0.0
    if block[0] is scene.head[0]:
        score += _as_first(block, scene, text)
    score -= 2.5 if any(money.amount.decimals == 2 for line in block for money in line.money) else 0.0
    if legal and _incomplete_form(text) and len(block) == 1:
        score -= 0.8
    score -= _NUMBER_AS_NAME if any(names.is_numbered_company(line.raw) for line in block) else 0.0
    if len(block) == 2 and _is_trade_above(*block) and not text.islower():
        score += _TRADE_AND_NAME
    before = scene.lines[block[0].index - 1].raw if block[0].index else ""
    if names.names_another_role(text) or (
        names.names_another_role(before) and len(names.significant_words(before)) <= 4
    ):
        score -= 4.5
    height = sum(line.row.height for line in block) / len(block)
    score += min(max(height / max(scene.typical_height, 1.0) - 1, -0.5), 1.0)
    score -= max(0.0, 0.93 - min(line.row.confidence for line in block)) * 8
    score += _echo(block, scene) + _followed(block, scene)
    if len(block) > 1:
        score += 0.3 if not legal else 0.9 if _incomplete_form(block[-1].raw) or ")" in block[-1].raw else -0.3
    return score


def _is_town(block: tuple[Line, ...], scene: _Scene) -> bool:
    """Tell whether the text is the town, or a part of its name, of a line with a postal code beside it."""
    words = squeeze(_joined(block))
    near = scene.lines[max(0, block[0].index - 2) : block[-1].index + 3]
    return any(
        line not in block and _POST_TOWN.fullmatch(line.raw.strip()) and words in map(squeeze, _town_names(line.raw))
        for line in near
    )


def _town_names(text: str) -> list[str]:
    """The words of a line with a postal code, each and in succession."""
    words = re.findall(r"[^\W\d_]{2,}", text)
    return [" ".join(words[start:end]) for start in range(len(words)) for end in range(start + 1, len(words) + 1)]


def _is_second_company(block: tuple[Line, ...], scene: _Scene) -> bool:
    """Tell whether a company stands above the paper's title or date, and this one below."""
    above = scene.lines[: block[0].index]
    first = next((line.index for line in above if names.legal_form(line.raw) and _may_be_name(line)), None)
    return first is not None and any(
        names.looks_like_paper(line.raw) or line.dates for line in above[first + 1 :] if line not in block
    )


def _as_first(block: tuple[Line, ...], scene: _Scene, text: str) -> float:
    """Return what the receipt's first line gets back where its form alone speaks against it."""
    if names.looks_like_address(text) and not any(map(str.isdigit, text)):
        return _STREET_IN_NAME
    describes_trade = names.trade_word(text) and names.only_trade(text)
    return _TRADE_AS_NAME if describes_trade and block[-1].index + 1 in scene.addresses else 0.0


def _is_supported(block: tuple[Line, ...], scene: _Scene) -> bool:
    text = in_one_script(" ".join(line.raw for line in block))
    return names.legal_form(text) or names.trade_word(text) or _echo(block, scene) > 0


def _followed(block: tuple[Line, ...], scene: _Scene) -> float:
    """Return what stands below: a name is most often followed by its registration number or its address."""
    for distance, weight in ((1, 0.6), (2, 0.3)):
        index = block[-1].index + distance
        if index < len(scene.lines) and not scene.lines[index].money:
            text = scene.lines[index].raw
            if names.looks_like_address(text) or names.is_registration(text):
                return weight
    return 0.0


def _form_score(text: str, *, legal: bool) -> float:
    score = 2.2 if legal else 0.0
    if names.trade_word(text):
        score += 0.5
    if not legal:
        score -= 3.0 if names.looks_like_paper(text) else 0.0
        score -= 2.0 if names.looks_like_address(text) else 0.0
        score -= 0.8 if text.islower() else 0.0
    score -= 3.5 if names.looks_like_contact(text) else 0.0
    score -= 1.5 if names.looks_like_slogan(text) else 0.0
    if not names.significant_words(text) or names.only_trade(text):
        score -= 1.5
    return score


def _echo(block: tuple[Line, ...], scene: _Scene) -> float:
    """Return what the rest of the receipt adds: the name in a web address, and repeated in other lines."""
    name = squeeze(_joined(block))
    own = {line.index for line in block}
    if len(name) < 4:
        return 0.0
    score = 0.0
    if any(_akin(name, stem) for stem in scene.domains):
        score += 1.5
    repeats = sum(
        _repeats(name, text)
        for index, text in enumerate(scene.squeezed)
        if index not in own and not names.looks_like_address(scene.lines[index].raw)
    )
    return score + 0.6 * min(repeats, 3)


def _repeats(name: str, text: str) -> bool:
    return name in text or (len(name) >= 6 <= len(text) and fuzz.partial_ratio(name, text, score_cutoff=85) > 0)


def _akin(name: str, stem: str) -> bool:
    return name in stem or stem in name or Levenshtein.normalized_similarity(name, stem) >= 0.8


def _from_domains(scene: _Scene) -> list[NameCandidate]:
    """Name the shop by its web address: the last resort for heads that are only a picture."""
    return [
        NameCandidate(stem, (line,), 0.6 - 0.01 * line.index, supported=True)
        for line in scene.lines
        for stem in domain_stems(line.raw)
    ]
