"""Measures reading against receipts with known fields: what was right, wrong and missing, at what cost.

A total is right when it is equal as a number, a date when it is the same calendar day (none, where none is printed), a
currency when it is the same code, and a merchant when, case, accents, punctuation and white space folded, it equals one
of its right names (exact), is at least 0.9 alike, or contains it (fuzzy).
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from statistics import mean, quantiles
from typing import Any, Literal

from pydantic import BaseModel

from flows.domain.errors import ConfigurationError, UnreadableError
from flows.domain.fields import DocumentText, Found, ReceiptFields
from flows.reading.parser import latest_day, parse_receipt
from flows.reading.reader import Reader

FUZZY_SIMILARITY = 0.9
MIN_CONTAINED = 4  # letters of a right name that the answer may contain among others
SCORED = ("total", "purchase_date", "currency", "merchant")
DECIDING = ("total", "purchase_date", "currency")  # an accepted receipt with a wrong one of these is accepted wrong
CALIBRATION_EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.01)
Verdict = Literal["right", "fuzzy", "wrong", "missing", "unscored"]


@dataclass(frozen=True)
class Outcome:
    """One receipt: its true fields, what was read, the verdict of each field and the CPU seconds that it took.

    `text` is every word that was read, in order, whatever became of it.
    """

    file: str
    truth: dict[str, Any]
    fields: ReceiptFields | None
    verdicts: dict[str, Verdict]
    cpu_seconds: float
    error: str = ""
    text: str = ""

    @property
    def all_three(self) -> bool:
        return self._right("total", "purchase_date", "merchant")

    @property
    def all_right(self) -> bool:
        return self._right(*SCORED)

    def _right(self, *names: str) -> bool:
        return all(self.verdicts[name] in {"right", "fuzzy", "unscored"} for name in names)

    @property
    def accepted(self) -> bool:
        return self.fields is not None and self.fields.decision == "accept"

    @property
    def accepted_wrong(self) -> bool:
        return self.accepted and not self._right(*DECIDING)

    @property
    def accepted_wrong_merchant(self) -> bool:
        return self.accepted and self.verdicts["merchant"] == "wrong"

    @property
    def as_expected(self) -> bool | None:
        """Whether the receipt was treated as the truth's `expect` says; None where it says nothing."""
        refused = self.fields is None
        behaviour = {
            "read": self.accepted and not self.accepted_wrong,
            "review": not self.accepted and not refused,
            "quarantine": refused,
            "read_or_review": not refused and not self.accepted_wrong,
            "quarantine_or_review": not self.accepted,
        }
        expected = self.truth.get("expect")
        return behaviour[expected] if expected else None


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
    currency: Tally
    merchant: MerchantTally
    all_three: int
    all_right: int
    accepted: int
    accepted_wrong: int
    accepted_wrong_merchant: int
    refused: int
    expected: int
    as_expected: int
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
        fields, error, text = _read(extract, data, day)
        elapsed = time.process_time() - started
        yield Outcome(file, truth, fields, verdicts(fields, truth), elapsed, error, text)


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


def _read(
    extract: Callable[[bytes], DocumentText], data: bytes, today: dt.date
) -> tuple[ReceiptFields | None, str, str]:
    """Return the fields, or else why there are none, and the words."""
    try:
        text = extract(data)
    except UnreadableError as error:
        return None, str(error), ""
    words = " ".join(word.text for page in text.pages for word in page.words)
    return parse_receipt(text, today=today), "", words


def verdicts(fields: ReceiptFields | None, truth: dict[str, Any]) -> dict[str, Verdict]:
    """Judge the four scored fields against the truth; a field that it does not have is not scored."""

    def found(name: str) -> Found[Any] | None:
        return None if fields is None else getattr(fields, name)

    return {
        "total": _judge(found("total"), truth.get("total"), _same_number),
        "purchase_date": _judge_date(found("purchase_date"), truth),
        "merchant": _judge_name(found("merchant"), truth),
        "currency": _judge(found("currency"), truth.get("currency"), lambda got, true: bool(got == true)),
    }


def _judge(found: Found[Any] | None, truth: str | None, same: Callable[[Any, str], bool]) -> Verdict:
    if truth in {None, ""}:
        return "unscored"
    if found is None:
        return "missing"
    return "right" if same(found.value, str(truth)) else "wrong"


def _judge_date(found: Found[dt.date] | None, truth: dict[str, Any]) -> Verdict:
    if truth.get("no_date_printed"):
        return "right" if found is None else "wrong"
    return _judge(found, truth.get("purchase_date"), lambda got, true: bool(got.isoformat() == true))


def _same_number(got: Decimal, truth: str) -> bool:
    try:
        return got == Decimal(truth)
    except InvalidOperation:
        return False


def _judge_name(found: Found[str] | None, truth: dict[str, Any]) -> Verdict:
    if not truth.get("merchant"):
        return "unscored"
    if found is None:
        return "missing"
    got = _folded(found.value)
    names = [_folded(name) for name in (truth["merchant"], *truth.get("merchant_also", ())) if name]
    if got in names:
        return "right"
    return "fuzzy" if any(_alike(got, name) for name in names) else "wrong"


def _alike(got: str, name: str) -> bool:
    similar = SequenceMatcher(None, got, name).ratio() >= FUZZY_SIMILARITY
    return similar or (len(name) >= MIN_CONTAINED and name in got)


def _folded(name: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", name.casefold()) if char.isalnum())


def report_on(outcomes: Sequence[Outcome]) -> AccuracyReport:
    """Count the outcomes together."""
    merchants = [outcome.verdicts["merchant"] for outcome in outcomes]
    return AccuracyReport(
        receipts=len(outcomes),
        total=_tally(outcomes, "total"),
        purchase_date=_tally(outcomes, "purchase_date"),
        currency=_tally(outcomes, "currency"),
        merchant=MerchantTally(
            right_exact=merchants.count("right"),
            right_fuzzy=merchants.count("right") + merchants.count("fuzzy"),
            wrong=merchants.count("wrong"),
            missing=merchants.count("missing"),
        ),
        all_three=sum(outcome.all_three for outcome in outcomes),
        all_right=sum(outcome.all_right for outcome in outcomes),
        accepted=sum(outcome.accepted for outcome in outcomes),
        accepted_wrong=sum(outcome.accepted_wrong for outcome in outcomes),
        accepted_wrong_merchant=sum(outcome.accepted_wrong_merchant for outcome in outcomes),
        refused=sum(outcome.fields is None for outcome in outcomes),
        expected=sum(outcome.as_expected is not None for outcome in outcomes),
        as_expected=sum(outcome.as_expected is True for outcome in outcomes),
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
            truth=str(outcome.truth.get(name, "none is printed")),
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
    for name in SCORED:
        judged = [
            (getattr(outcome.fields, name).confidence, outcome.verdicts[name] in {"right", "fuzzy"})
            for outcome in outcomes
            if getattr(outcome.fields, name, None) and outcome.verdicts[name] in {"right", "fuzzy", "wrong"}
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
