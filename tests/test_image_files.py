"""Which files of a folder are taken for receipts: by what is in them, however far behind their beginning."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_containers import packed

from deployments.cli.image_files import pictures_in
from flows.domain.errors import ConfigurationError


def test_a_text_is_a_receipt_by_amount_and_date_far_behind_its_beginning(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("Shop\n" + "terms and conditions\n" * 2000 + "2026-11-20 Total 12.50\n")
    (tmp_path / "none.txt").write_text("terms and conditions\n" * 2000)
    assert [path.name for path in pictures_in(tmp_path)] == ["long.txt"]


def test_archives_are_kept_where_they_are_opened(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed({"1.pdf": b"%PDF-1.4"}))
    assert [path.name for path in pictures_in(tmp_path, archives=True)] == ["a.zip"]
    with pytest.raises(ConfigurationError, match="holds no images"):
        pictures_in(tmp_path)
