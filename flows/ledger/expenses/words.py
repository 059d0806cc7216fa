"""Text as the words that a search compares: folded here, the same way on both sides, so that no dictionary, locale or
extension of a PostgreSQL decides what is found.

A word is found by its beginning. So that what OCR or a language runs together is found too ("milch" in "Vollmilch"),
the endings of long words are indexed beside them; of scripts that part no words every ending.
"""

from __future__ import annotations

import re

from flows.domain.folding import fold_text

# A run of letters and digits, joined by single marks as amounts, dates, phone numbers and double names are.
_RUN = re.compile(r"[^\W_]+(?:[.,:/'’&+\-][^\W_]+)*")
_PIECE = re.compile(r"[^\W_]+")
_LONGEST = 48  # characters of a word; what is longer is a code that nobody types
_MOST = 20_000  # words of one content: a tsvector holds one megabyte
_LONG = 6  # a word of so many letters is indexed with its endings
_SHORTEST_ENDING = 4
_UNPARTED = re.compile(r"[぀-ヿ㐀-鿿฀-๿]")  # kana, Han, Thai: scripts without spaces
_MOST_TERMS = 16


def lexemes(*texts: str) -> list[str]:
    """Every word by which these texts are found, each once."""
    found: dict[str, None] = {}
    for text in texts:
        for run in _RUN.findall(fold_text(text)):
            pieces = _PIECE.findall(run)
            for word in pieces if len(pieces) == 1 else [*pieces, "".join(pieces)]:
                for ending in _endings(word[:_LONGEST]):
                    found[ending] = None
    return list(found)[:_MOST]


def tsquery(text: str) -> str:
    """What a person typed as a query in PostgreSQL's notation: every word has to begin one of the text's; empty if
    there is none.
    """
    terms = (_term(run) for run in _RUN.findall(fold_text(text))[:_MOST_TERMS])
    return " & ".join(terms)


def _endings(word: str) -> list[str]:
    if _UNPARTED.search(word):
        return [word[start:] for start in range(len(word))]
    if len(word) < _LONG or not word.isalpha():
        return [word]
    return [word, *(word[start:] for start in range(1, len(word) - _SHORTEST_ENDING + 1))]


def _term(run: str) -> str:
    """One word's beginning. Of "Coca-Cola" also its pieces, of "12,50" only the whole: pieces of amounts are many."""
    pieces = _PIECE.findall(run)
    whole = _beginning("".join(pieces))
    if len(pieces) == 1 or not all(piece.isalpha() for piece in pieces):
        return whole
    return f"({whole} | ({' & '.join(map(_beginning, pieces))}))"


def _beginning(word: str) -> str:
    return f"'{word[:_LONGEST]}':*"  # letters and digits only: nothing to escape
