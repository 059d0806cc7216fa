"""A file of a watched folder is complete once it has stayed the same for a while, and is given once a content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployments.ingest.watched_folder import WatchedFolder
from flows.domain.errors import ConfigurationError


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scans").mkdir()
    return tmp_path / "scans"


def opened(folder: Path, clock: Clock) -> WatchedFolder:
    return WatchedFolder(folder, folder.parent / "memory.json", settle_seconds=3, clock=clock)


def write(path: Path, data: bytes, changed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ns=(changed, changed))


def names(watched: WatchedFolder) -> list[str]:
    return [path.relative_to(watched.folder).as_posix() for path in watched.complete()]


def test_a_file_that_grows_is_not_complete(folder: Path, clock: Clock) -> None:
    watched = opened(folder, clock)
    for second in range(10):
        clock.now = second * 5.0
        write(folder / "1.jpg", b"x" * (second + 1), changed=1)
        assert names(watched) == []
        assert watched.is_settling
    for later, expected in ((1.0, []), (3.0, ["1.jpg"])):
        clock.now = 45.0 + later
        assert names(watched) == expected


def test_a_file_that_is_rewritten_at_the_same_size_is_not_complete(folder: Path, clock: Clock) -> None:
    watched = opened(folder, clock)
    for second in range(5):
        clock.now = second * 5.0
        write(folder / "1.jpg", b"x", changed=second)
        assert names(watched) == []


def test_what_was_taken_is_given_again_only_if_it_changed(folder: Path, clock: Clock) -> None:
    write(folder / "week" / "1.jpg", b"one", changed=1)
    watched = opened(folder, clock)
    for _ in range(2):
        clock.now += 3
        found = watched.complete()
    watched.take(found[0])
    clock.now += 10
    assert names(watched) == [] and not watched.is_settling
    again = opened(folder, clock)
    for _ in range(2):
        clock.now += 3
        assert names(again) == []
    write(folder / "week" / "1.jpg", b"two", changed=2)
    for _ in range(2):
        clock.now += 3
        found = again.complete()
    assert [path.name for path in found] == ["1.jpg"]


def test_what_was_passed_over_is_looked_at_again_by_another_process(folder: Path, clock: Clock) -> None:
    write(folder / "1.bin", b"no receipt", changed=1)
    for _ in range(2):
        watched = opened(folder, clock)
        for _ in range(2):
            clock.now += 3
            found = watched.complete()
        watched.pass_over(found[0])
        clock.now += 10
        assert names(watched) == []


def test_empty_unfinished_hidden_and_linked_files_are_nobodys(folder: Path, clock: Clock) -> None:
    outside = folder.parent / "secret.jpg"
    write(outside, b"secret", changed=1)
    (folder / "link.jpg").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.jpg")
    for name in ("empty.jpg",):
        write(folder / name, b"", changed=1)
    for name in ("1.jpg.part", "2.crdownload", ".hidden.jpg", ".sync/3.jpg", "Thumbs.db", "._4.jpg"):
        write(folder / name, b"x", changed=1)
    watched = opened(folder, clock)
    for _ in range(3):
        clock.now += 3
        assert names(watched) == []
    assert not watched.is_settling


def test_a_damaged_memory_and_a_missing_folder_say_what_to_do(folder: Path, clock: Clock) -> None:
    (folder.parent / "memory.json").write_text('{"1.jpg": 5}')
    with pytest.raises(ConfigurationError, match="remove it"):
        opened(folder, clock)
    with pytest.raises(ConfigurationError, match="make it"):
        opened(folder / "missing", clock)
