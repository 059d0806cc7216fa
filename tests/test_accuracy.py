"""Accuracy: each field is scored as written, counts add up, and fields without truth are not scored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from receipt_words import TODAY, document, page_of

from benchmarks.headline import headline, write_headline
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


def folder_of(tmp_path: Path, truths: Mapping[str, Mapping[str, object]], texts: dict[str, str]) -> Path:
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
        "receipts", "total", "purchase_date", "currency", "merchant", "all_three", "all_right", "accepted",
        "accepted_wrong", "accepted_wrong_merchant", "refused", "expected", "as_expected", "cpu_seconds",
        "peak_rss_mb", "misses",
    ]  # fmt: skip
    assert set(shape["cpu_seconds"]) == {"mean", "p50", "p95"}


@pytest.mark.parametrize(
    ("truth", "exact", "fuzzy"),
    [
        ({"merchant": "Green Bakery GmbH & Co"}, 0, 1),
        ({"merchant": "bakery"}, 0, 1),  # contained in the answer
        ({"merchant": "GmbH"}, 0, 1),
        ({"merchant": "gre"}, 0, 0),  # too short to be contained
        ({"merchant": "Backhaus Grün", "merchant_also": ["Gréen-Bakery GmbH"]}, 1, 1),
        ({"merchant": "Backhaus Grün", "merchant_also": []}, 0, 0),
    ],
)
def test_a_merchant_has_several_right_names(tmp_path: Path, truth: dict[str, object], exact: int, fuzzy: int) -> None:
    folder = folder_of(tmp_path, {"a.jpg": RIGHT | truth}, {})
    report = report_on(list(outcomes_of(folder, extract, today=TODAY)))
    assert (report.merchant.right_exact, report.merchant.right_fuzzy) == (exact, fuzzy)


def test_a_date_where_none_is_printed_is_wrong(tmp_path: Path) -> None:
    truth = {"total": "2.50", "no_date_printed": True}
    undated = "\n".join(line for line in TEXT.splitlines() if "2020" not in line)
    folder = folder_of(tmp_path, {"a.jpg": truth, "b.jpg": truth}, {"b.jpg": undated})
    report = report_on(list(outcomes_of(folder, extract, today=TODAY)))
    assert report.purchase_date.model_dump() == {"right": 1, "wrong": 1, "missing": 0}
    assert [(miss.file, miss.truth) for miss in report.misses] == [("a.jpg", "none is printed")]
    assert report.accepted_wrong == 1


def test_a_wrong_currency_counts(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"a.jpg": RIGHT | {"currency": "CHF"}}, {})
    report = report_on(list(outcomes_of(folder, extract, today=TODAY)))
    assert report.currency.model_dump() == {"right": 0, "wrong": 1, "missing": 0}
    assert (report.all_three, report.all_right, report.accepted_wrong) == (1, 0, 1)


@pytest.mark.parametrize(
    ("expect", "as_expected"),
    [
        ("read", {"right": True, "wrong": False, "unsure": False, "refused": False}),
        ("review", {"right": False, "wrong": False, "unsure": True, "refused": False}),
        ("quarantine", {"right": False, "wrong": False, "unsure": False, "refused": True}),
        ("read_or_review", {"right": True, "wrong": False, "unsure": True, "refused": False}),
        ("quarantine_or_review", {"right": False, "wrong": False, "unsure": True, "refused": True}),
    ],
)
def test_what_is_expected_of_a_receipt(tmp_path: Path, expect: str, as_expected: dict[str, bool]) -> None:
    truth = {"total": "2.50", "expect": expect}
    truths = {"refused": truth, "right": truth, "unsure": truth, "wrong": truth | {"total": "9.99"}}
    texts = {"refused": "", "unsure": "\n".join(line for line in TEXT.splitlines() if "2020" not in line)}
    outcomes = list(outcomes_of(folder_of(tmp_path, truths, texts), extract, today=TODAY))
    assert {outcome.file: outcome.as_expected for outcome in outcomes} == as_expected
    assert report_on(outcomes).expected == 4
    assert report_on(outcomes).as_expected == sum(as_expected.values())


def test_a_folder_without_truth_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"has no truth\.json"):
        list(outcomes_of(tmp_path, extract))


def test_the_readme_says_what_was_counted(tmp_path: Path) -> None:
    report = report_on(list(outcomes_of(folder_of(tmp_path, {"a.jpg": RIGHT}, {}), extract, today=TODAY)))
    readme = tmp_path / "README.md"
    readme.write_text("# Title\n<!-- accuracy -->\nstale\n<!-- /accuracy -->\nrest\n")
    write_headline(readme, headline([("folder", 1)], report))
    text = readme.read_text()
    assert "Of 1 receipts with known fields (1 of `folder`) it reads\nthe total of 1 right" in text
    assert text.startswith("# Title\n<!-- accuracy -->\nOf 1") and text.endswith("<!-- /accuracy -->\nrest\n")
    assert "stale" not in text
    readme.write_text("# Title\n")
    with pytest.raises(ValueError, match="needs one"):
        write_headline(readme, "")
