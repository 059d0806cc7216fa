"""Letters of two scripts that look alike, put back into the script of their word.

A model that reads Latin, Greek and Cyrillic letters takes each for whatever it saw more often: `TABEPNA O ΓIANNHΣ` has
Latin and Greek letters, and is Greek.
"""

from __future__ import annotations

import re
import unicodedata

_GREEK = str.maketrans("ABEZHIKMNOPTYXvoxu0", "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧνοχυΟ")
_CYRILLIC = str.maketrans("ABCEHKMOPTXaceopxy0", "АВСЕНКМОРТХасеорхуО")
_WRITTEN_LIKE = {"GREEK": _GREEK, "CYRILLIC": _CYRILLIC}
_WORD = re.compile(r"[^\W_]+")


def in_one_script(text: str) -> str:
    """Return the text with each of its words in one script.

    A word with a Greek or Cyrillic letter is that script's; a Latin word beside one is, where it has nothing but
    letters that look the same in it. Figures become letters only within such words. Other text stays as it is.
    """
    script = _script_of(text)
    if script is None:
        return text
    return _WORD.sub(lambda match: _put_back(match[0], script), text)


def _script_of(text: str) -> str | None:
    """Return the one script among Greek and Cyrillic that words have letters of; a lone letter is a mark."""
    words = [word for word in _WORD.findall(text) if len(word) > 1]
    found = [name for name in _WRITTEN_LIKE if any(_is_of(char, name) for word in words for char in word)]
    return found[0] if len(found) == 1 else None


def _put_back(word: str, script: str) -> str:
    table = _WRITTEN_LIKE[script]
    letters = [char for char in word if char.isalpha()]
    if not letters or not all(_is_of(char, script) or ord(char) in table for char in letters):
        return word
    return word.translate(table)


def _is_of(char: str, script: str) -> bool:
    return char.isalpha() and unicodedata.name(char, "").startswith(script)
