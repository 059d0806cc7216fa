"""Archives and winmail.dat are opened to their limits, and what is broken or hostile is named with a cure."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from pathlib import Path

import pytest

from flows.containers import ContainerError, ContainerLimits, is_zip, open_winmail, open_zip

SMALL = ContainerLimits(max_files=3, max_file_bytes=1000, max_total_bytes=1500)


def packed(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def winmail(files: dict[str, bytes]) -> bytes:
    """A winmail.dat as [MS-OXTNEF] has it: signature, then for each file its render data, title and data."""

    def attribute(level: int, identity: int, data: bytes) -> bytes:
        return struct.pack("<BII", level, identity, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)

    parts = [struct.pack("<IH", 0x223E9F78, 1), attribute(1, 0x00089006, struct.pack("<I", 0x00010000))]
    for name, data in files.items():
        parts += [
            attribute(2, 0x00069002, bytes(14)),
            attribute(2, 0x00018010, name.encode() + b"\0"),
            attribute(2, 0x0006800F, data),
        ]
    return b"".join(parts)


def test_files_come_out_without_their_folders_and_without_junk(tmp_path: Path) -> None:
    data = packed({"a/1.jpg": b"one", "../../etc/2.jpg": b"two", "c:\\x\\3.jpg": b"three", "__MACOSX/._1.jpg": b"no"})
    file = tmp_path / "month.zip"
    file.write_bytes(data)
    assert is_zip(data[:4])
    for source in (data, file):
        assert [(one.name, one.data) for one in open_zip(source)] == [
            ("1.jpg", b"one"),
            ("2.jpg", b"two"),
            ("3.jpg", b"three"),
        ]


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({f"{n}.jpg": b"" for n in range(4)}, "holds 4 files"),
        ({"bomb.jpg": bytes(100_000)}, "bomb.jpg"),
        ({"1.jpg": bytes(900), "2.jpg": bytes(900)}, "2.jpg"),
    ],
    ids=["files", "one", "together"],
)
def test_more_than_the_limits_is_refused(files: dict[str, bytes], named: str) -> None:
    with pytest.raises(ContainerError, match=named):
        list(open_zip(packed(files), SMALL))


def test_a_bomb_that_lies_about_its_size_is_not_expanded() -> None:
    data = bytearray(packed({"bomb.jpg": bytes(100_000)}))
    honest = struct.pack("<I", 100_000)
    while (at := data.find(honest)) >= 0:  # in the local header and in the directory
        data[at : at + 4] = struct.pack("<I", 10)
    with pytest.raises(ContainerError):
        list(open_zip(bytes(data), SMALL))


def test_an_encrypted_archive_says_so() -> None:
    data = bytearray(packed({"1.jpg": b"one"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(signature) + offset] |= 1
    with pytest.raises(ContainerError, match="without a password"):
        list(open_zip(bytes(data)))


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_archive_ends_in_one_error(seed: int) -> None:
    data, chance = bytearray(packed({"1.jpg": b"one" * 50, "2.jpg": b"two" * 50})), random.Random(seed)
    for _ in range(12):
        data[chance.randrange(len(data))] = chance.randrange(256)
    try:
        assert all(len(one.data) <= SMALL.max_file_bytes for one in open_zip(bytes(data), SMALL))
    except ContainerError as error:
        assert str(error)


def test_attachments_of_winmail_come_out() -> None:
    files = {"receipt.pdf": b"%PDF-1.4 x", "photo.jpg": b"\xff\xd8\xff"}
    assert {one.name: one.data for one in open_winmail(winmail(files))} == files
    with pytest.raises(ContainerError, match="4 files"):
        list(open_winmail(winmail({f"{n}": b"x" for n in range(4)}), SMALL))


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_winmail_ends_in_one_error(seed: int) -> None:
    data, chance = bytearray(winmail({"receipt.pdf": b"%PDF" * 20})), random.Random(seed)
    for _ in range(10):
        data[chance.randrange(len(data))] = chance.randrange(256)
    try:
        list(open_winmail(bytes(data)[: chance.randrange(4, len(data))]))
    except ContainerError as error:
        assert "winmail.dat" in str(error)
