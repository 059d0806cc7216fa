"""Accuracy: each field is scored as written, counts add up, and fields without truth are not scored."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from receipt_words import TODAY, document, page_of

from flows.domain.errors import ConfigurationError, UnreadableError
from flows.domain.fields import DocumentText
from flows.reading.accuracy import calibration, outcomes_of, report_on

TEXT = """
GREEN BAKERY GmbH
Südring 7 33647 Bielefeld
05.03.2020 10:15
BROT            2,50 A
SUMME EUR       2,50
BAR             5,00
Rückgeld        2,50
"""
RIGHT = {"merchant": "Green Bakery GMBH", "purchase_date": "2020-03-05", "total": "2.5", "currency": "EUR"}


def extract(data: bytes) -> DocumentText:
    """Stand in for OCR: the files of these tests hold the text itself."""
    if not data:
        raise UnreadableError("empty")
    return document(page_of(data.decode()))


def folder_of(tmp_path: Path, truths: dict[str, dict[str, str]], texts: dict[str, str]) -> Path:
    for name in truths:
        (tmp_path / name).write_text(texts.get(name, TEXT), encoding="utf-8")
    (tmp_path / "truth.json").write_text(json.dumps(truths), encoding="utf-8")
    return tmp_path


def test_counts_right_wrong_missing_and_unscored(tmp_path: Path) -> None:
    truths = {
        "a.jpg": RIGHT,
        "b.jpg": RIGHT | {"total": "9.99"},
        "c.jpg": {"merchant": "Green Bakery GmbH & Co"},
        "d.jpg": RIGHT,
        "e.jpg": RIGHT | {"merchant": "Someone Else"},
    }
    folder = folder_of(tmp_path, truths, {"d.jpg": ""})
    outcomes = list(outcomes_of(folder, extract, today=TODAY))
    report = report_on(outcomes)
    assert report.receipts == 5
    assert report.total.model_dump() == {"right": 2, "wrong": 1, "missing": 1}
    assert report.purchase_date.model_dump() == {"right": 3, "wrong": 0, "missing": 1}
    assert report.merchant.model_dump() == {"right_exact": 2, "right_fuzzy": 3, "wrong": 1, "missing": 1}
    assert (report.all_three, report.accepted, report.accepted_wrong) == (2, 4, 1)
    assert {(miss.file, miss.field) for miss in report.misses} >= {
        ("b.jpg", "total"),
        ("d.jpg", "total"),
        ("e.jpg", "merchant"),
    }
    assert sum(row.count for row in calibration(outcomes) if row.field == "total") == 3


def test_json_has_the_agreed_shape(tmp_path: Path) -> None:
    report = report_on(list(outcomes_of(folder_of(tmp_path, {"a.jpg": RIGHT}, {}), extract, today=TODAY)))
    shape = json.loads(report.model_dump_json())
    assert list(shape) == [
        "receipts", "total", "purchase_date", "merchant", "all_three", "accepted", "accepted_wrong", "cpu_seconds",
        "peak_rss_mb", "misses",
    ]  # fmt: skip
    assert set(shape["cpu_seconds"]) == {"mean", "p50", "p95"}


def test_a_brand_contained_in_the_answer_is_right_in_brand_folders(tmp_path: Path) -> None:
    folder = tmp_path / "german"
    folder.mkdir()
    folder_of(folder, {"a.jpg": RIGHT | {"merchant": "bakery"}}, {})
    report = report_on(list(outcomes_of(folder, extract, today=dt.date(2021, 1, 1))))
    assert (report.merchant.right_exact, report.merchant.right_fuzzy) == (0, 1)


def test_a_folder_without_truth_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"has no truth\.json"):
        list(outcomes_of(tmp_path, extract))
