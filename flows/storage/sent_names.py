"""What an object's sender called the file, told from its key."""

from __future__ import annotations

import string

_RANDOM_DIGITS = 24  # that the gateway puts before the name, so that nobody can guess a key


def sent_name(key: str) -> str:
    """The file's name as it was sent: without folders and without what the gateway puts before it."""
    name = key.rsplit("/", 1)[-1]
    head, dash, rest = name.partition("-")
    is_random = len(head) == _RANDOM_DIGITS and set(head) <= set(string.hexdigits.lower())
    return rest if dash and is_random and rest else name
