"""Amounts of money in a line of text: every separator style, signs, currency marks, and repaired OCR slips.

The meaning of a lone separator (`1.234`) depends on the receipt: a `NumberStyle` is learned from all its lines first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from flows.reading.parser.currency_marks import MARKS, mark_pattern

MAX_DIGITS = 11  # longer runs are card numbers and barcodes, not money
_NUMBER = re.compile(r"\d+(?:[.,'’`]\d+)*|(?<![\w.,])[.,]\d\d(?![\w.,])")
_SPACE_GROUP = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?=,\d\d(?!\d))")
# Thousands parted by spaces in amounts without cents, at a line's end or beside a mark: `12 345 Ft`.
_SPACED_WHOLE = re.compile(
    r"(?<![\d.,:/\-])[1-9]\d{0,2}(?: \d{3})+(?![\d.,:/\-]\d| ?[%x×*/])"
    rf"(?=\W{{0,3}}(?:{mark_pattern()}|[A-E])?\W{{0,3}}$|  )",
    re.IGNORECASE,
)
# The same in any receipt: beside a mark whose countries part thousands by spaces.
_SPACED_AT_MARK = re.compile(
    r"(?<![\d.,:/\-])[1-9]\d{0,2}(?: \d{3})+"
    r"(?=\s?(?:ft|huf|kč|kc|czk|kr|sek|nok|dkk|isk|₽|руб|грн|zł|pln)(?![^\W\d_]))",
    re.IGNORECASE,
)
# Currencies of a thousand parts (ISO 4217), `KWD 3.500` is 3.5; without BHD, which is Malaysia's Berhad.
_DINARS = re.compile(r"(?<![A-Za-z])(?:KWD|OMR|JOD|TND|[KJ]\.D)(?![A-Za-z])")
# Grouped digits with a check digit behind a dash: a tax number of South America, `77.102.936-K`, or an identity card's.
_IDENTITY = re.compile(r"(?<![\d.,])\d{1,3}(?:(?:[.,]\d{3})+-|(?:[.,]\d{3}){2} ?- ?)[\dKk](?![\w.,])")
_WIDE_SCRIPT = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3]")
_LOOSE_DECIMALS = re.compile(r"(?<![\d.,])(\d{1,5})(?: ?[.,] | [.,])(\d\d)(?![\d.,%])")
_LOST_POINT = re.compile(r"((?:RM|EUR|USD|[€$£:])\s{0,2}\d{1,4})[ :](\d\d)(?=\W*$)")
_SLIPS = str.maketrans(
    {
        "O": "0",
        "o": "0",
        "a": "0",
        "C": "0",
        "D": "0",
        "Q": "0",
        "I": "1",
        "l": "1",
        "|": "1",
        "S": "5",
        "B": "8",
        "Z": "2",
    }
)
_SLIPPED = re.compile(
    r"(?:(?<=RM)|(?<=EUR)|(?<![A-Za-z\d.,]))(?=[^\s]*\d)[\dOoCDQIl|SBZ]{1,6}[.,][\dOoCDQIl|SBZa]{2}(?![\w.,])"
)
_BEFORE = re.compile(rf"(?P<open>[-–−+(]?)\s?(?P<mark>{mark_pattern()})?\s?[:.*#]?\s?(?P<sign>[-–−]?)$", re.IGNORECASE)
_AFTER = re.compile(
    rf"\s?(?P<dash>[.,][-–—]{{1,2}})?(?P<minus>[-–−](?![\w]))?(?P<close>\))?\s?(?P<mark>{mark_pattern()})?(?P<percent>\s?[%％])?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class NumberStyle:
    """How a receipt writes numbers: its decimal mark, whether its amounts have cents, spaces for thousands,
    or thousandths instead of cents (dinars)."""

    decimal: str = "."
    cents: bool = True
    spaced: bool = False
    thousandths: bool = False


@dataclass(frozen=True)
class Amount:
    """A number in a row's text at `start` to `end` (its sign and currency mark included)."""

    value: Decimal
    start: int
    end: int
    decimals: int
    mark: str | None = None
    percent: bool = False
    repaired: bool = False
    grouped: bool = False

    @property
    def looks_like_money(self) -> bool:
        return not self.percent and (self.decimals == 2 or self.mark is not None)


def learn_style(lines: Iterable[str]) -> NumberStyle:
    """Learn the number style from all lines: the mark before two last digits is the decimal mark."""
    marks: Counter[str] = Counter()
    groups: Counter[str] = Counter()
    spaced, wide, dinars = 0, False, False
    for line in lines:
        dinars = dinars or _DINARS.search(line) is not None
        marks.update(re.findall(r"\d([.,])\d\d(?![\d.,])", line))
        groups.update(re.findall(r"(?<![\d.,])\d{1,3}([.,])\d{3}(?:\1\d{3})*(?![\d.,])", line))
        spaced += len(_SPACED_WHOLE.findall(line))
        wide = wide or _WIDE_SCRIPT.search(line) is not None
    if dinars and sum(groups.values()) > sum(marks.values()):
        return NumberStyle(groups.most_common(1)[0][0], thousandths=True)
    parted, fractions = sum(groups.values()), sum(marks.values())
    whole = max(parted, spaced) > 3 * fractions or (not fractions and wide)
    decimal = "," if marks[","] > marks["."] else "."
    return NumberStyle(decimal, cents=not whole, spaced=whole and spaced > parted)


def find_amounts(text: str, style: NumberStyle) -> list[Amount]:
    """Return the numbers of one line, left to right; integers too, as quantities and amounts without cents."""
    clean, repaired = _repair(text, style)
    clean = _IDENTITY.sub(lambda match: " " * len(match[0]), clean)
    found: list[Amount] = []
    for match in _NUMBER.finditer(clean):
        value = parse_number(match.group(), style)
        if value is not None and not _inside_word(clean, match.start(), match.end()):
            found.append(_amount(clean, match, value, repaired))
    return found


def parse_number(text: str, style: NumberStyle) -> Decimal | None:
    """Read a bare number: None where it is too long or its separators make no sense."""
    parts = re.split(r"[.,'’`]", text)
    marks = [char for char in text if char in ".,'’`"]
    digits = "".join(parts)
    if len(digits) > MAX_DIGITS:
        return None
    if not marks:
        return Decimal(digits)
    tail = len(parts[-1])
    if _is_decimal(marks, tail, style):
        grouped = _are_groups(parts[1:-1], marks[:-1])
        return Decimal("".join(parts[:-1]) + "." + parts[-1]) if grouped and tail <= 4 else None
    grouped = tail == 3 and _are_groups(parts[1:], marks) and 1 <= len(parts[0]) <= 3
    return Decimal(digits) if grouped else None


def _are_groups(parts: list[str], marks: list[str]) -> bool:
    """Tell whether digits are grouped as thousands are, or as lakhs, `1,23,456`; a phone's pairs are neither."""
    pairs = parts[:-1] if set(marks) == {","} else []
    return all(len(part) == 3 or (part in pairs and len(part) == 2) for part in parts)


def _is_decimal(marks: list[str], tail: int, style: NumberStyle) -> bool:
    if marks[-1] not in ".,":
        return False
    if tail != 3:
        return True
    if len(marks) > 1:
        return marks[-1] != marks[-2]
    return style.cents and marks[-1] == style.decimal


def _repair(text: str, style: NumberStyle) -> tuple[str, bool]:
    """Undo OCR slips inside numbers without moving any character."""
    fixed = _SLIPPED.sub(lambda match: match.group().translate(_SLIPS), text)
    fixed = _LOOSE_DECIMALS.sub(_close_up, fixed)
    fixed = _LOST_POINT.sub(r"\1.\2", fixed)
    repaired = fixed != text
    for pattern in (_SPACE_GROUP, _SPACED_AT_MARK, *((_SPACED_WHOLE,) if style.spaced else ())):
        fixed = pattern.sub(lambda match: match.group().replace(" ", "'"), fixed)
    return fixed, repaired


def _close_up(match: re.Match[str]) -> str:
    """Write `12. 30` as `012.30`: the same length, so that positions stay true."""
    return (match.group(1) + "." + match.group(2)).rjust(len(match.group()), "0")


def _inside_word(text: str, start: int, end: int) -> bool:
    """Tell whether the digits are a part of a code such as `A4` or `CS00012` rather than of an amount."""
    before = text[:start]
    if before and before[-1].isalpha():
        mark = re.search(rf"(?<![^\W\d_])(?:{mark_pattern()})$", before, re.IGNORECASE)
        glued = re.search(r"[.,]\d\d$", text[start:end])
        if mark is None and glued is None:
            return True
    return (
        text[end : end + 2].isalpha()
        and not re.match(mark_pattern(), text[end:], re.IGNORECASE)
        and "." not in text[start:end]
        and "," not in text[start:end]
    )


def _amount(text: str, match: re.Match[str], value: Decimal, repaired: bool) -> Amount:
    before = _BEFORE.search(text[max(0, match.start() - 8) : match.start()])
    after = cast("re.Match[str]", _AFTER.match(text, match.end()))  # every part of the pattern is optional
    sign = bool(before and (before["sign"] or before["open"] in {"-", "–", "−"})) or bool(after["minus"])
    enclosed = bool(before and before["open"] == "(" and after["close"])
    mark = (before["mark"] if before else None) or after["mark"]
    start = match.start() - (len(before.group().lstrip()) if before else 0)
    exponent = value.as_tuple().exponent
    decimals = 2 if after["dash"] else -exponent if isinstance(exponent, int) else 0
    return Amount(
        value=-value if sign or enclosed else value,
        start=max(start, 0),
        end=max(match.end(), after.end() if after.group().strip() else match.end()),
        decimals=decimals,
        mark=MARKS.get(mark.upper()) if mark else None,
        percent=after["percent"] is not None,
        repaired=repaired,
        grouped=decimals == 0 and not match.group().isdigit(),
    )
