"""How a merchant's name is spelled, where a logo was misread: by the receipt's web address and its other lines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from flows.reading.parser import names
from flows.reading.parser.folding import fold, squeeze
from flows.reading.parser.lines import Line

_LEAST_LETTERS = 3  # of a name that may be the slip of another
_DOMAIN = re.compile(
    r"(?:www\.|@|https?://)([a-z0-9\-.]+)\.[a-z]{2,4}\b|(?<![.\w])([a-z0-9\-]{4,})\.(?:com|de|fr|net|org|co\.uk|"
    r"it|es|nl|fi|se|pt|com\.my)\b"
)
_COMMON_DOMAINS = frozenset({"facebook", "gmail", "yahoo", "hotmail", "instagram", "outlook", "google", "twitter"})


def domain_stems(text: str) -> list[str]:
    """Return the names in a line's web and mail addresses, squeezed; those of everybody's services left out."""
    stems = []
    for match in _DOMAIN.finditer(fold(text)):
        stem = max(re.split(r"[.]", match[1] or match[2]), key=len)
        if len(stem) >= 4 and stem not in _COMMON_DOMAINS:
            stems.append(squeeze(stem))
    return stems


def respelled(name: str, lines: Sequence[Line], domains: Sequence[str]) -> str:
    """Return the spelling that the receipt's other lines agree on, where the name itself looks like a slip of it."""
    target = squeeze(name)
    if names.legal_form(name) or len(target) < _LEAST_LETTERS:
        return name
    by_domain = _spelled_by_domain(name, lines)
    if by_domain is not None or len(target) < 5:
        return by_domain or name
    votes: dict[str, list[str]] = {}
    for line in lines:
        for spelled in _runs(line.raw, len(target)):
            folded = squeeze(spelled)
            if Levenshtein.normalized_similarity(folded, target) >= 0.8:
                votes.setdefault(folded, []).append(spelled)
    best = max(votes, key=lambda folded: (len(votes[folded]) + (folded in domains), folded == target), default=target)
    return name if best == target or len(votes[best]) < 2 else votes[best][0]


def _spelled_by_domain(name: str, lines: Sequence[Line]) -> str | None:
    """Return the web address's spelling of a logo that OCR misread; None where they agree, or have little in common.

    Small print is read more surely than a logo. Umlauts are written out in addresses.
    """
    target = squeeze(name)
    if sum(target in squeeze(line.raw) for line in lines) > 1:
        return None
    for line in lines:
        for spelled in _domain_names(line.raw):
            stem = squeeze(spelled)
            plain = stem.replace("ae", "a").replace("oe", "o").replace("ue", "u")
            if target in {stem, plain}:
                return None
            slip = len(stem) == len(target) >= 6 and Levenshtein.distance(stem, target) <= len(stem) // 6
            if slip or lost_letter(target, stem):
                words = [word for word in re.split(r"[-_]", spelled) if word]
                return " ".join(words).upper() if name.isupper() else " ".join(word.capitalize() for word in words)
    return None


def lost_letter(text: str, whole: str) -> bool:
    """Tell whether a text is a word without one letter from its inside: `ldl` of `lidl`. `max` is not `maxi`."""
    if len(whole) != len(text) + 1 or len(text) < _LEAST_LETTERS:
        return False
    return any(whole[:at] + whole[at + 1 :] == text for at in range(1, len(whole) - 1))


def _domain_names(text: str) -> list[str]:
    return [max((match[1] or match[2]).split("."), key=len) for match in _DOMAIN.finditer(fold(text))]


def _runs(text: str, length: int) -> list[str]:
    """Return runs of one to three words of about the given length."""
    pieces = re.findall(r"[^\W_]+", text)
    joined = [
        " ".join(pieces[start : start + count]) for count in (1, 2, 3) for start in range(len(pieces) - count + 1)
    ]
    return [run for run in joined if abs(len(squeeze(run)) - length) <= 2]
