"""The words that label amounts on receipts, by concept and in every supported language.

The words themselves are in `concepts.json`, folded (lower case, no accents). A word of five letters or more is found
with an OCR slip in it and inside glued words (`TOTALSALES`); shorter ones only whole. `OTHER` holds words that merely
look like a label's.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from importlib.resources import files

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from flows.reading.parser.folding import as_letters, fold, words

_WORDS: dict[str, list[str]] = json.loads(
    files("flows.reading.parser").joinpath("concepts.json").read_text(encoding="utf-8")
)
_CONCEPT_OF: dict[str, str] = {fold(word): concept for concept, listed in _WORDS.items() for word in listed}
_ONLY_WHOLE = frozenset({"master"})  # `mastem` is Polish grease
_LONG = tuple(word for word in _CONCEPT_OF if len(word) >= 5 and word not in _ONLY_WHOLE)
_GLUABLE = tuple(
    word
    for word in _LONG
    if len(word) >= 5
    and word.isascii()
    and _CONCEPT_OF[word] in {"TOTAL", "SUB", "CASH", "CHANGE", "ROUND", "DISCOUNT", "DUE", "AMOUNT", "ROUNDED"}
)
_MIN_SIMILARITY = 0.79  # one slip in five letters


# Greek read by a Latin model comes out in both alphabets: the Latin letters that look like Greek capitals.
_GREEK = str.maketrans("abehikmnopstxyz", "αβεηικμνορςτχυζ")
_HAS_GREEK = re.compile("[α-ω]")
# Chinese, Japanese and Korean labels are printed with spaces between their signs: `合 計`.
_SPACED_SIGNS = re.compile(
    r"(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]) +(?=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3])"
)
# Widened words: `T O T A L`.
_SPACED_LETTERS = re.compile(r"(?<![^\W_])(?:[^\W\d_] ){2,}[^\W\d_](?![^\W_])")
_I_ALT = re.compile(r"\bI alt\b", re.IGNORECASE)  # Danish
_NUMBERED = re.compile(r"([^\W\d_]{3,})\d{1,3}")


@lru_cache(maxsize=20_000)
def concepts_of_word(word: str) -> frozenset[str]:
    """Return the concepts that one folded word stands for, reading through one OCR slip and glued words."""
    if word in _CONCEPT_OF:
        return frozenset({_CONCEPT_OF[word]})
    numbered = _NUMBERED.fullmatch(word)  # `MwSt5%`
    if numbered and numbered[1] in _CONCEPT_OF:
        return frozenset({_CONCEPT_OF[numbered[1]]})
    word = as_letters(word)
    if _HAS_GREEK.search(word):
        word = word.translate(_GREEK)
    if word in _CONCEPT_OF:
        return frozenset({_CONCEPT_OF[word]})
    if len(word) < 4 or len(word) > 40:
        return _within(word)
    if len(word) >= 5:
        best = process.extractOne(word, _LONG, scorer=Levenshtein.normalized_similarity, score_cutoff=_MIN_SIMILARITY)
        if best is not None and (len(word) > 5 or _CONCEPT_OF[best[0]] == "TOTAL"):  # Tarte is not Carte
            return frozenset({_CONCEPT_OF[best[0]]})
    return _within(word)


def _within(word: str) -> frozenset[str]:
    if not word.isascii():
        return frozenset(concept for listed, concept in _CONCEPT_OF.items() if not listed.isascii() and listed in word)
    if word.startswith("cash") and not word.startswith("cashi"):
        return frozenset({"CASH"})
    return frozenset(_CONCEPT_OF[listed] for listed in _GLUABLE if listed in word)


def concepts_of(text: str) -> frozenset[str]:
    """Return all concepts that a label's words stand for."""
    found: set[str] = set()
    text = _SPACED_LETTERS.sub(lambda match: match[0].replace(" ", ""), text)
    for word in words(_I_ALT.sub("ialt", _SPACED_SIGNS.sub("", text.replace("|", "l")))):
        found |= concepts_of_word(word)
    return frozenset(found)
