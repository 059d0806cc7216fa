"""Files that an operating system adds to folders are told by name, whatever folder they lie in; nothing else is."""

from __future__ import annotations

import pytest

from flows.domain.junk_files import is_junk_file


@pytest.mark.parametrize(
    "key",
    [
        "acme/._lunch.jpg",
        ".DS_Store",
        "acme/2026-11/.DS_Store",
        "acme/Thumbs.db",
        "acme/thumbs.db",
        "acme/ehthumbs.db",
        "acme/Desktop.ini",
        "acme/~$expenses.pdf",
        "acme/__MACOSX/lunch.jpg",
        "acme/.Spotlight-V100/store.db",
        "$RECYCLE.BIN/S-1-5/lunch.jpg",
    ],
)
def test_what_an_operating_system_leaves_is_junk(key: str) -> None:
    assert is_junk_file(key)


@pytest.mark.parametrize(
    "key",
    [
        "acme/lunch.jpg",
        "acme/.hidden.jpg",
        "acme/_lunch.jpg",
        "acme/DS_Store.jpg",
        "acme/Thumbs.db.jpg",
        "acme/~lunch.jpg",
        "acme/a~$b.pdf",
        "acme/thumbs.db/lunch.jpg",
        "._acme/lunch.jpg",
    ],
)
def test_a_name_that_only_resembles_it_is_a_receipt(key: str) -> None:
    assert not is_junk_file(key)
