"""Measures reading against receipts with known fields: what was right, wrong and missing, at what cost.

The scoring is that of the shared receipts' README: a total equal as a number, a date the same calendar day, a merchant
equal after folding case, accents, punctuation and white space (exact) or at least 0.9 alike (fuzzy).
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from statistics import mean, quantiles
from typing import Any, Literal

from pydantic import BaseModel
from rapidfuzz.distance import Indel

from flows.domain.errors import ConfigurationError, UnreadableError
from flows.domain.fields import DocumentText, Found, ReceiptFields
from flows.reading.parser import latest_day, parse_receipt, squeeze
from flows.reading.reader import Reader

FUZZY_SIMILARITY = 0.9
BRAND_FOLDERS = frozenset({"german"})  # whose true merchants are short brand names: contained in the answer is right
CALIBRATION_EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.01)
Verdict = Literal["right", "fuzzy", "wrong", "missing", "unscored"]


@dataclass(frozen=True)
class Outcome:
    """One receipt: its true fields, what was read, the verdict of each field and the CPU seconds that it took."""

    file: str
    truth: dict[str, Any]
    fields: ReceiptFields | None
    verdicts: dict[str, Verdict]
    cpu_seconds: float
    error: str = ""

    @property
    def all_three(self) -> bool:
        return all(
            self.verdicts[name] in {"right", "fuzzy", "unscored"} for name in ("total", "purchase_date", "merchant")
        )

    @property
    def accepted(self) -> bool:
        return self.fields is not None and self.fields.decision == "accept"

    @property
    def accepted_wrong(self) -> bool:
        return self.accepted and any(
            self.verdicts[name] not in {"right", "unscored"} for name in ("total", "purchase_date", "currency")
        )


class Tally(BaseModel):
    """How often a field was right, wrong and missing."""

    right: int
    wrong: int
    missing: int


class MerchantTally(BaseModel):
    """How often the merchant was right; `right_fuzzy` counts the exact ones too."""

    right_exact: int
    right_fuzzy: int
    wrong: int
    missing: int


class Cost(BaseModel):
    """CPU seconds a receipt, one thread, models loaded, from the file's bytes to the fields."""

    mean: float
    p50: float
    p95: float


class Miss(BaseModel):
    """One field of one receipt that was not right."""

    file: str
    field: str
    got: str | None
    truth: str
    accepted: bool


class CalibrationRow(BaseModel):
    """Of the values whose confidence lay in a band, the mean confidence and the share that was right."""

    field: str
    band: str
    count: int
    mean_confidence: float
    right: float


class AccuracyReport(BaseModel):
    """The measurement of one folder with one engine. Counts, not percentages; fields without truth are not scored."""

    receipts: int
    total: Tally
    purchase_date: Tally
    merchant: MerchantTally
    all_three: int
    accepted: int
    accepted_wrong: int
    cpu_seconds: Cost
    peak_rss_mb: float
    misses: list[Miss]


def measure_accuracy(folder: Path, engine: str = "auto", *, today: dt.date | None = None) -> AccuracyReport:
    """Read every receipt of `folder` (images and `truth.json`) with `engine` and score it.

    Raises:
        ConfigurationError: the folder has no `truth.json`, or names files that are not there.
    """
    return report_on(list(outcomes_of(folder, reader_for(engine), today=today)))


def reader_for(engine: str) -> Callable[[bytes], DocumentText]:
    """Return the extraction with `engine`, which loads its models at the first call."""
    return Reader(engine=engine).extract


def outcomes_of(
    folder: Path, extract: Callable[[bytes], DocumentText], *, today: dt.date | None = None
) -> Iterator[Outcome]:
    """Read the folder's receipts one after the other, the first one once more beforehand so that models are loaded."""
    truths = load_truth(folder)
    day = today or latest_day(dt.datetime.now(dt.UTC))
    for number, (file, truth) in enumerate(truths.items()):
        data = (folder / file).read_bytes()
        if number == 0:
            _read(extract, data, day)
        started = time.process_time()
        fields, error = _read(extract, data, day)
        elapsed = time.process_time() - started
        yield Outcome(file, truth, fields, verdicts(fields, truth, brands=folder.name in BRAND_FOLDERS), elapsed, error)


def load_truth(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the true fields by file name, in file order.

    Raises:
        ConfigurationError: no `truth.json`, or a file of it is missing.
    """
    path = folder / "truth.json"
    if not path.is_file():
        raise ConfigurationError(
            f"{folder} has no truth.json; give a folder of images with the true fields beside them"
        )
    truths: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    absent = [file for file in truths if not (folder / file).is_file()]
    if absent:
        raise ConfigurationError(f"{path} names {len(absent)} files that are not in {folder}, {absent[0]} first")
    return dict(sorted(truths.items()))


def _read(extract: Callable[[bytes], DocumentText], data: bytes, today: dt.date) -> tuple[ReceiptFields | None, str]:
    try:
        return parse_receipt(extract(data), today=today), ""
    except UnreadableError as error:
        return None, str(error)


def verdicts(fields: ReceiptFields | None, truth: dict[str, Any], *, brands: bool = False) -> dict[str, Verdict]:
    """Judge the four scored fields against the truth."""

    def found(name: str) -> Found[Any] | None:
        return None if fields is None else getattr(fields, name)

    return {
        "total": _judge(found("total"), truth.get("total"), _same_number),
        "purchase_date": _judge(
            found("purchase_date"), truth.get("purchase_date"), lambda got, true: bool(got.isoformat() == true)
        ),
        "merchant": _judge_name(found("merchant"), truth.get("merchant"), brands=brands),
        "currency": _judge(found("currency"), truth.get("currency"), lambda got, true: bool(got == true)),
    }


def _judge(found: Found[Any] | None, truth: str | None, same: Callable[[Any, str], bool]) -> Verdict:
    if truth in {None, ""}:
        return "unscored"
    if found is None:
        return "missing"
    return "right" if same(found.value, str(truth)) else "wrong"


def _same_number(got: Decimal, truth: str) -> bool:
    try:
        return got == Decimal(truth)
    except InvalidOperation:
        return False


def _judge_name(found: Found[str] | None, truth: str | None, *, brands: bool) -> Verdict:
    if truth in {None, ""}:
        return "unscored"
    if found is None:
        return "missing"
    got, true = squeeze(found.value), squeeze(str(truth))
    if got == true:
        return "right"
    alike = Indel.normalized_similarity(got, true) >= FUZZY_SIMILARITY or (brands and true in got)
    return "fuzzy" if alike else "wrong"


def report_on(outcomes: Sequence[Outcome]) -> AccuracyReport:
    """Count the outcomes together."""
    merchants = [outcome.verdicts["merchant"] for outcome in outcomes]
    return AccuracyReport(
        receipts=len(outcomes),
        total=_tally(outcomes, "total"),
        purchase_date=_tally(outcomes, "purchase_date"),
        merchant=MerchantTally(
            right_exact=merchants.count("right"),
            right_fuzzy=merchants.count("right") + merchants.count("fuzzy"),
            wrong=merchants.count("wrong"),
            missing=merchants.count("missing"),
        ),
        all_three=sum(outcome.all_three for outcome in outcomes),
        accepted=sum(outcome.accepted for outcome in outcomes),
        accepted_wrong=sum(outcome.accepted_wrong for outcome in outcomes),
        cpu_seconds=_cost([outcome.cpu_seconds for outcome in outcomes]),
        peak_rss_mb=round(_peak_rss_mb(), 1),
        misses=[miss for outcome in outcomes for miss in _misses(outcome)],
    )


def _tally(outcomes: Sequence[Outcome], name: str) -> Tally:
    found = [outcome.verdicts[name] for outcome in outcomes]
    return Tally(right=found.count("right"), wrong=found.count("wrong"), missing=found.count("missing"))


def _cost(seconds: Sequence[float]) -> Cost:
    if not seconds:
        return Cost(mean=0.0, p50=0.0, p95=0.0)
    cuts = quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else [seconds[0]] * 19
    return Cost(mean=round(mean(seconds), 3), p50=round(cuts[9], 3), p95=round(cuts[18], 3))


def _peak_rss_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6  # macOS counts bytes, Linux KiB


def _misses(outcome: Outcome) -> list[Miss]:
    return [
        Miss(
            file=outcome.file,
            field=name,
            got=got_of(outcome, name),
            truth=str(outcome.truth[name]),
            accepted=outcome.accepted,
        )
        for name, verdict in outcome.verdicts.items()
        if verdict in {"wrong", "missing"}
    ]


def got_of(outcome: Outcome, name: str) -> str | None:
    """Return what was read for a field as text; None where nothing was."""
    found = getattr(outcome.fields, name) if outcome.fields else None
    return None if found is None else str(found.value)


def calibration(outcomes: Sequence[Outcome]) -> list[CalibrationRow]:
    """Hold the confidences against what was right, field by field and band by band."""
    rows: list[CalibrationRow] = []
    for name in ("total", "purchase_date", "merchant", "currency"):
        judged = [
            (getattr(outcome.fields, name).confidence, outcome.verdicts[name] in {"right", "fuzzy"})
            for outcome in outcomes
            if outcome.fields is not None and outcome.verdicts[name] in {"right", "fuzzy", "wrong"}
        ]
        for low, high in pairwise(CALIBRATION_EDGES):
            inside = [(sure, right) for sure, right in judged if low <= sure < high]
            if inside:
                sure, right = mean(sure for sure, _ in inside), mean(float(right) for _, right in inside)
                band = f"{low:.2f} to {min(high, 1.0):.2f}"
                rows.append(
                    CalibrationRow(
                        field=name, band=band, count=len(inside), mean_confidence=round(sure, 3), right=round(right, 3)
                    )
                )
    return rows
