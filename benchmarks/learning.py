"""How many corrections a person still has to make on the second half of a folder of receipts, with and without rules.

    python -m benchmarks.learning FOLDER… [--json FILE] [--words KEPT] [--engine auto]

Each folder holds images and `truth.json`, as for `make accuracy`, and is an owner of its own. Its receipts are read in
the order of their file names and recorded in a real ledger; every field that is wrong or missing by accuracy's rules
is corrected to the truth, as a person would, through the ledger's own functions; what was posted and right is left
alone. That is done with rules laid over each reading and without. Counted are the fields that had to be corrected in
the second half.

The same again with a person who corrects each name that is not spelled as the truth spells it. Beside it: the receipts
that were in review and, for a person who gives each merchant one category, how often they still had to give it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from benchmarks.accuracy import kept_words
from deployments.stack import Stack
from deployments.stack.settings import StackSettings
from flows.domain.errors import UnreadableError
from flows.domain.fields import DocumentText, ReceiptFields
from flows.ledger.categories import list_categories
from flows.ledger.database import Ledger, open_ledger
from flows.ledger.decisions import Book, correct, decide
from flows.ledger.migrate import upgrade
from flows.ledger.receipts import begin_attempt, claim_content, receive, record_expense, record_review, show_receipt
from flows.ledger.rules import apply_rules
from flows.ledger.schema import Via
from flows.ledger.values import Actor, Attempt, Claimed, Extraction, ProcessIdentity, ReceivedObject
from flows.reading.accuracy import load_truth, reader_for, verdicts
from flows.reading.parser import latest_day, parse_receipt

PERSON = Actor("the person", Via.CLI)
_PROCESS = ProcessIdentity(host_id="bench", boot_id="bench", pid=1, pid_started=1)
_FIELDS = ("total", "purchase_date", "currency", "merchant")
_WRONG = frozenset({"wrong", "missing"})


@dataclass(frozen=True)
class Read:
    """One receipt: its words, what the parser makes of them, and the truth."""

    text: DocumentText
    fields: ReceiptFields
    truth: dict[str, Any]


@dataclass(frozen=True)
class Way:
    """One run over the receipts: whose, whether rules are laid over readings, which verdicts a person corrects."""

    owner: str
    learns: bool
    wrong: frozenset[str]


def main() -> None:
    """Read, correct, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--words", type=Path, help="keep the words here, and take them from here")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--port", type=int, default=27_700)
    given = parser.parse_args()
    with _ledger(given.port) as ledger:
        counts = {(exact, learns): Counter[str]() for exact in (False, True) for learns in (True, False)}
        for folder in given.folders:
            receipts = list(_read(folder, given.engine, given.words))
            for (exact, learns), count in counts.items():
                way = Way(f"{folder.name}-{exact}-{learns}", learns, _WRONG | {"fuzzy"} if exact else _WRONG)
                _correct_all(ledger, way, receipts, count)
    figures = _figures(counts, [folder.name for folder in given.folders])
    print(json.dumps(figures, indent=2))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


def _figures(counts: dict[tuple[bool, bool], Counter[str]], folders: list[str]) -> dict[str, Any]:
    def each(*names: str, exact: bool = False) -> dict[str, int]:
        ways = {"with_learning": counts[exact, True], "without": counts[exact, False]}
        return {way: sum(count[name] for name in names) for way, count in ways.items()}

    return {
        "corrections_second_half": each(*_FIELDS),
        "by_field": {field: each(field) for field in _FIELDS},
        "corrections_second_half_names_spelled_exactly": each(*_FIELDS, exact=True),
        "in_review_second_half": each("review"),
        "categories_to_give_second_half": each("category"),
        "receipts_second_half": counts[False, False]["receipts"],
        "folders": folders,
    }


@contextmanager
def _ledger(port: int) -> Iterator[Ledger]:
    with tempfile.TemporaryDirectory(prefix="receiptflow-bench-") as folder:
        settings = StackSettings(data_dir=Path(folder, "data"), port=port)
        with Stack(settings, core=["postgres"]) as stack:
            url = stack.environment["RECEIPTFLOW_LEDGER_URL"]
            upgrade(url)
            ledger = open_ledger(url)
            yield ledger
            ledger.close()


def _read(folder: Path, engine: str, words: Path | None) -> Iterator[Read]:
    extract = reader_for(engine)
    if words:
        extract = kept_words(extract, words / engine)
    today = latest_day(dt.datetime.now(dt.UTC))
    for file, truth in load_truth(folder).items():
        try:
            text = extract((folder / file).read_bytes())
        except UnreadableError:
            continue  # in quarantine: there is nothing to correct
        yield Read(text, parse_receipt(text, today=today), truth)


def _correct_all(ledger: Ledger, way: Way, receipts: list[Read], count: Counter[str]) -> None:
    with ledger.session() as session:
        categories = [one.name for one in list_categories(way.owner, session=session)]
    for number, read in enumerate(receipts):
        fields, receipt_id = _recorded(ledger, way, number, read)
        judged = verdicts(fields, read.truth)
        values = {name: read.truth.get(name) for name in _FIELDS if judged[name] in way.wrong}
        category = _category_of(str(read.truth.get("merchant")), categories)
        gives_category = fields.category is None or fields.category.value != category
        if number >= len(receipts) // 2:
            count.update([*values, "receipts"])
            count.update(review=fields.decision == "review", category=gives_category)
        _correct(ledger, receipt_id, fields, values | ({"category": category} if gives_category else {}))


def _recorded(ledger: Ledger, way: Way, number: int, read: Read) -> tuple[ReceiptFields, UUID]:
    """Record a reading as the flow does; what was recorded, and of which receipt."""
    attempt, fields, plain = _claimed(ledger, way.owner, number), read.fields, read.text.plain
    with ledger.session() as session:
        if way.learns:
            fields = apply_rules(way.owner, fields, plain, session=session)
        extraction = Extraction(read.text.engine, read.text.engine_version, text=plain)
        if fields.decision == "review":
            record_review(attempt, fields, extraction, session=session)
        else:
            record_expense(attempt, fields, extraction, session=session)
    return fields, attempt.receipt_id


def _correct(ledger: Ledger, receipt_id: UUID, fields: ReceiptFields, values: dict[str, Any]) -> None:
    """Book what is in review, correct what is posted, with what is wrong of it."""
    if fields.total is None and values.get("total") is None:
        values["total"] = "1.00"  # the truth says none; an expense needs one
    with ledger.session() as session:
        posted = show_receipt(receipt_id, session=session).expense
        if posted is None:
            decide(receipt_id, Book(values, keep_both=True), PERSON, session=session)
        elif values:
            correct(posted.public_id, values, PERSON, session=session)


def _claimed(ledger: Ledger, owner: str, number: int) -> Attempt:
    key = f"{owner}/{number}"
    with ledger.session() as session:
        named = ReceivedObject(bucket="inbox", key=key, etag=key, owner=owner, source="cli")
        receipt_id = receive(named, session=session).receipt_id
        attempt = begin_attempt(receipt_id, uuid4(), _PROCESS, process_is_gone=lambda _lease: False, session=session)
        assert isinstance(attempt, Attempt)
        sha256 = hashlib.sha256(key.encode()).hexdigest()
        assert isinstance(claim_content(attempt, sha256, session=session), Claimed)
    return attempt


def _category_of(merchant: str, categories: list[str]) -> str:
    """One for each merchant, whichever: it stands for what a person would choose each time."""
    return categories[hashlib.sha256(merchant.encode()).digest()[0] % len(categories)]


if __name__ == "__main__":
    main()
