"""Exports to a server: what it has is what the ledger has, whatever happened on the way."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from export_helpers import HOSTILE, OWNER, balance, change, some_expenses, spent, void
from firefly_server import TOKEN, Firefly, running_firefly
from ledger_helpers import count, race

from flows.exports import Exported
from flows.exports.errors import BooksRefusedError, BooksUnavailableError, BusyTargetError, ExportRefusedError
from flows.exports.firefly_api import open_firefly
from flows.exports.push import push
from flows.ledger.database import Ledger
from flows.ledger.exports import Original, list_exports


@pytest.fixture
def firefly() -> Iterator[Firefly]:
    """Firefly III with two asset accounts and nothing else."""
    with running_firefly() as books:
        yield books


def pushed(ledger: Ledger, firefly: Firefly, **options: Any) -> Exported:
    """One export; what Firefly refuses by itself is left out."""
    with open_firefly(firefly.url, TOKEN) as books:
        return push(ledger, OWNER, books, **({"leave_out": True} | options))


def hold(ledger: Ledger, firefly: Firefly) -> None:
    """Its books are ours, and nothing is in them twice."""
    for currency in ("EUR", "JPY", "KWD"):
        assert firefly.spent(currency) == balance(ledger, currency)
    names = [one["external_id"] for one in firefly.groups.values()]
    assert len(set(names)) == len(names)


def test_import_again_correct_void(ledger: Ledger, firefly: Firefly) -> None:
    ids = some_expenses(ledger)
    assert pushed(ledger, firefly).new == 5
    hold(ledger, firefly)
    writes = firefly.writes
    assert pushed(ledger, firefly).new == 0
    assert firefly.writes == writes
    change(ledger, ids[0], total=Decimal("98.76"), merchant=HOSTILE)
    change(ledger, ids[3], total=Decimal("-1.00"), payment_method="cash")
    void(ledger, ids[1])
    spent(ledger, "late", purchase_date=dt.date(2020, 1, 1), total=Decimal("0.07"))
    told = pushed(ledger, firefly)
    assert (told.new, told.changed, told.voided) == (1, 2, 1)
    hold(ledger, firefly)
    kinds = {one["external_id"]: one["type"] for one in firefly.groups.values()}
    assert (kinds[ids[0]], kinds[ids[3]], ids[1] in kinds) == ("withdrawal", "deposit", False)
    for one in ids:
        void(ledger, one)
    pushed(ledger, firefly)
    hold(ledger, firefly)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(5))
def test_a_server_that_fails_half_way_loses_and_doubles_nothing(
    ledger: Ledger, firefly: Firefly, at: int, after: bool
) -> None:
    """It answers 500 before it has done what it was asked, or when it has."""
    some_expenses(ledger)
    firefly.after = after
    with open_firefly(firefly.url, TOKEN) as books:
        done = iter(range(at))
        put = books.put

        def fail_at_last(public_id: str, entry: dict[str, Any]) -> None:
            if next(done, None) is None:
                firefly.failing = 1
            put(public_id, entry)

        books.put = fail_at_last  # type: ignore[method-assign]  # the server fails on purpose at this very one
        with pytest.raises(BooksUnavailableError, match="500"):
            push(ledger, OWNER, books, leave_out=True)
    assert len(firefly.groups) == at + after
    spent(ledger, "meanwhile", total=Decimal("2.22"))
    pushed(ledger, firefly)
    hold(ledger, firefly)
    assert len(firefly.groups) == 6


def test_a_correction_that_was_not_told_is_not_lost_behind_the_next(ledger: Ledger, firefly: Firefly) -> None:
    (one,) = [spent(ledger, "a", total=Decimal("5.00"))]
    pushed(ledger, firefly)
    change(ledger, one, total=Decimal("6.00"))
    firefly.failing = 1
    with pytest.raises(BooksUnavailableError):
        pushed(ledger, firefly)
    void(ledger, one)
    pushed(ledger, firefly)
    assert firefly.groups == {}


def test_the_picture_is_attached_once_also_when_its_upload_was_cut_short(ledger: Ledger, firefly: Firefly) -> None:
    one, gone = spent(ledger, "a", total=Decimal(5)), spent(ledger, "gone", total=Decimal(6))

    def open_original(original: Original) -> list[bytes] | None:
        return None if "gone" in original.key else [b"picture ", original.key.encode()]

    def tell() -> None:
        with open_firefly(firefly.url, TOKEN, open_original) as books:
            push(ledger, OWNER, books)

    firefly.failing_uploads = 1
    with pytest.raises(BooksUnavailableError, match="500"):
        tell()
    tell()
    change(ledger, one, total=Decimal(7))
    tell()
    hold(ledger, firefly)
    (attached,) = firefly.attachments.values()
    assert (attached["content"], attached["filename"][-4:]) == (f"picture {OWNER}/a.jpg".encode(), ".jpg")
    change(ledger, one, total=Decimal(-7))  # made anew, with its picture
    tell()
    assert [kept["content"] for kept in firefly.attachments.values()] == [attached["content"]]
    void(ledger, one)
    void(ledger, gone)
    tell()
    assert (firefly.groups, firefly.attachments) == ({}, {})


def test_what_is_there_already_by_its_id_is_not_made_again(ledger: Ledger, firefly: Firefly) -> None:
    """The ledger was restored from before its exports."""
    some_expenses(ledger)
    pushed(ledger, firefly)
    with ledger.session() as session:
        session.connection().exec_driver_sql("DELETE FROM exports")
    assert pushed(ledger, firefly).new == 5
    hold(ledger, firefly)


def test_what_was_deleted_there_is_made_again_when_it_changes(ledger: Ledger, firefly: Firefly) -> None:
    ids = some_expenses(ledger)
    pushed(ledger, firefly)
    firefly.groups.clear()
    change(ledger, ids[0], total=Decimal(3))
    void(ledger, ids[1])
    pushed(ledger, firefly)
    assert [one["external_id"] for one in firefly.groups.values()] == [ids[0]]


def test_two_at_once(ledger: Ledger, firefly: Firefly) -> None:
    some_expenses(ledger)
    made = race([lambda: pushed(ledger, firefly)] * 3)
    assert any(isinstance(one, Exported) for one in made)
    assert all(isinstance(one, Exported | BusyTargetError) for one in made), made
    hold(ledger, firefly)


def test_an_account_that_it_does_not_have_is_named_and_the_others_are_told(ledger: Ledger, firefly: Firefly) -> None:
    (lost, *_) = [spent(ledger, "a", total=Decimal(5)), spent(ledger, "b", total=Decimal(6))]
    change(ledger, lost, payment_method="voucher")
    with pytest.raises(BooksRefusedError, match=f"under Accounts.*\n.*{lost}: transactions.0.source_name"):
        pushed(ledger, firefly)
    assert firefly.spent("EUR") == 6
    firefly.assets.add("Voucher")
    pushed(ledger, firefly)
    hold(ledger, firefly)


def test_one_refused_at_the_beginning_keeps_none_behind_it_back(
    ledger: Ledger, firefly: Firefly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["flows.exports.push"], "_ITEMS_AT_ONCE", 2)
    ids = [spent(ledger, f"at {total}", total=Decimal(total)) for total in range(1, 6)]
    change(ledger, ids[0], payment_method="voucher")
    for _ in range(2):  # now, and by each export until the account is there
        with pytest.raises(BooksRefusedError, match=ids[0]):
            pushed(ledger, firefly)
        assert firefly.spent("EUR") == 2 + 3 + 4 + 5


def test_what_it_cannot_have_is_refused_before_anything_is_told(ledger: Ledger, firefly: Firefly) -> None:
    some_expenses(ledger)
    with pytest.raises(ExportRefusedError, match="zero"):
        pushed(ledger, firefly, leave_out=False)
    assert (firefly.writes, count(ledger, "export_items")) == (0, 0)


@pytest.mark.parametrize("wrong", ["token", "address", "page"])
def test_a_wrong_address_or_token_is_named(ledger: Ledger, firefly: Firefly, wrong: str) -> None:
    spent(ledger, "a")
    url = {"address": "http://127.0.0.1:9", "page": f"{firefly.url}/elsewhere"}.get(wrong, firefly.url)
    told: dict[str, Any] = {
        "token": (BooksRefusedError, "personal access token"),
        "address": (BooksUnavailableError, "does not answer"),
        "page": (BooksUnavailableError, "404"),
    }
    error, words = told[wrong]
    with pytest.raises(error, match=words), open_firefly(url, "wrong" if wrong == "token" else TOKEN) as books:
        push(ledger, OWNER, books)
    with ledger.session() as session:
        assert [one.finished_at for one in list_exports(OWNER, session=session)] == [None]
    pushed(ledger, firefly)
    hold(ledger, firefly)
