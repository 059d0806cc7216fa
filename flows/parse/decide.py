"""Accept or review, by one rule: every field that money depends on was found, is sure, and no check failed."""

from __future__ import annotations

from dataclasses import dataclass

from flows.parse.lines import Line
from flows.parse.locale_evidence import LocaleGuess
from flows.parse.merchant import NameCandidate
from flows.parse.purchase_date import DateChoice
from flows.parse.totals import Candidate
from flows.vocabulary import Check, ReceiptFields

ACCEPT_CONFIDENCE = 0.8


@dataclass(frozen=True)
class Findings:
    """What the fields were chosen from."""

    lines: tuple[Line, ...]
    place: LocaleGuess
    date: DateChoice | None
    totals: list[Candidate]
    names: list[NameCandidate]


def decide(fields: ReceiptFields, findings: Findings) -> ReceiptFields:
    """Return the fields with checks, decision and reasons filled in."""
    reasons = _reasons(fields, findings)
    checks = tuple(
        Check(name=name, held=True, detail=name)
        for name in dict.fromkeys(findings.totals[0].checks if findings.totals else [])
    )
    return fields.model_copy(
        update={"checks": checks, "reasons": tuple(reasons), "decision": "review" if reasons else "accept"}
    )


def _reasons(fields: ReceiptFields, findings: Findings) -> list[str]:
    reasons = []
    if fields.total is None:
        reasons.append("total: none found")
    elif fields.total.confidence < ACCEPT_CONFIDENCE:
        reasons.append(
            f"total: two totals fit: {findings.totals[0].value} and {findings.totals[1].value}"
            if len(findings.totals) > 1
            else "total: unsure"
        )
    if fields.purchase_date is None:
        reasons.append("purchase_date: none found")
    elif fields.purchase_date.confidence < ACCEPT_CONFIDENCE:
        rival = findings.date.rival if findings.date else None
        reasons.append(f"purchase_date: {fields.purchase_date.value} or {rival}" if rival else "purchase_date: unsure")
    if fields.currency is None:
        reasons.append(f"currency: {findings.place.evidence}")
    return reasons
