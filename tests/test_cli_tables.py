"""Tables for people fit a terminal of 80 columns without breaking an id, and ids are as short as they can be."""

from __future__ import annotations

from uuid import UUID

import pytest

from deployments.cli import common
from deployments.cli.common import print_table, short_ids
from flows.storage import sent_name

LONG = "A merchant whose name is longer than any table of this terminal can show in one line"


def test_ids_are_as_short_as_they_can_be_told_apart() -> None:
    one, other, twin = (
        UUID(f"{begin}-0000-4000-8000-00000000000{n}") for n, begin in enumerate(("a" * 8, "b" * 8, "b" * 8))
    )
    assert short_ids([one, other]) == ["a" * 8, "b" * 8]
    assert short_ids([one, other, twin]) == ["a" * 8, str(other), str(twin)]
    assert short_ids([one, one]) == ["a" * 8, "a" * 8], "the same receipt twice is not two"
    assert short_ids([f"rf-{one}"]) == ["rf-aaaaaaaa"]


def test_no_id_is_broken_at_80_columns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(common.console, "_width", 80)
    row = ("rf-12345678", "2026-11-30", LONG, "1234567.89 EUR", LONG, "default", 17)
    columns = ("expense", "date", "merchant", "total", "category", "owner", "rev")
    print_table("1 expenses", columns, [row], right=("total", "rev"), whole=("expense", "date"))
    printed = capsys.readouterr().out
    assert all(len(line) <= 80 for line in printed.splitlines())
    for whole in ("rf-12345678", "2026-11-30", "1234567.89 EUR"):
        assert whole in printed
    assert "…" not in printed, "nothing is cut off, long words go on in the next line"


def test_an_id_is_whole_in_every_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(common.console, "_width", 80)
    key = UUID("12345678-0000-4000-8000-000000000001")
    row = (key, "default", LONG, "read, write", "2026-11-30 15:49:35", None, "2026-11-30 15:49:35")
    print_table("1 keys", ("id", "owner", "name", "scopes", "expires", "revoked", "last used"), [row])
    printed = capsys.readouterr().out
    assert str(key) in printed
    assert all(len(line) <= 80 for line in printed.splitlines())


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("acme/2026-11/0123456789abcdef01234567-lunch.jpg", "lunch.jpg"),
        ("acme/lunch.jpg", "lunch.jpg"),
        ("acme/0123456789abcdef01234567-", "0123456789abcdef01234567-"),
        ("acme/summer-lunch.jpg", "summer-lunch.jpg"),
    ],
)
def test_a_key_tells_what_the_file_was_called(key: str, name: str) -> None:
    assert sent_name(key) == name
