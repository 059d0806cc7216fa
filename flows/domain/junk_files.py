"""Files that operating systems add to folders beside the user's own, told by their names.

They come along when a folder is dropped from a Mac or from Windows. The names are those of the list that
github.com/sindresorhus/junk and rclone's users keep: Finder, AppleDouble, Windows Explorer, Office's lock files.
"""

from __future__ import annotations

_NAMES = frozenset({".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini"})
_BEGINNINGS = ("._", "~$")
_FOLDERS = frozenset({"__macosx", ".spotlight-v100", ".trashes", ".fseventsd", "$recycle.bin"})


def is_junk_file(key: str) -> bool:
    """Whether a key or file name is one that an operating system or an office program made for itself."""
    *folders, name = key.lower().split("/")
    return name in _NAMES or name.startswith(_BEGINNINGS) or not _FOLDERS.isdisjoint(folders)
