"""What was booked once is not booked again: repeats, corrections, voids, two at once, kills."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from export_helpers import change, exported, some_expenses, spent, void
from ledger_helpers import count, race

from flows.exports import ExportRefusedError, WrongOptionError, confirm, export, staging, targets, write_again
from flows.ledger.database import Ledger
from flows.ledger.exports import Period

WHOLE = ["csv", "beancount", "ledger", "hledger"]
# Firefly takes no amount of zero.
REFUSED = {"firefly-csv": 1}


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", list(targets()))
def test_the_second_export_tells_nothing_new(ledger: Ledger, tmp_path: Path, name: str) -> None:
    some_expenses(ledger)
    first = exported(ledger, name, tmp_path / "one", leave_out=True)
    there = 6 - REFUSED.get(name, 0)
    assert (first.new, first.changed, first.voided, first.number) == (there, 0, 0, 1)
    again = exported(ledger, name, tmp_path / "two", leave_out=True)
    assert (again.new, again.changed, again.voided) == (0, 0, 0)
    assert count(ledger, "export_items") == there
    if name in WHOLE or not targets()[name].imports_once:
        assert contents(tmp_path / "two") == contents(tmp_path / "one") != {}
    else:
        assert (again.number, again.files) == (None, ())


@pytest.mark.parametrize("name", list(targets()))
def test_late_changed_and_voided_ones_are_told_once(ledger: Ledger, tmp_path: Path, name: str) -> None:
    ids = some_expenses(ledger)
    exported(ledger, name, tmp_path, leave_out=True)
    spent(ledger, "late", purchase_date=dt.date(2025, 1, 1), total=Decimal("5.55"))
    change(ledger, ids[0], total=Decimal("11.10"))
    void(ledger, ids[3])
    told = exported(ledger, name, tmp_path, leave_out=True)
    assert (told.new, told.changed, told.voided, told.number) == (1, 1, 1, 2)
    assert {(one.public_id, one.kind) for one in told.changes} == {(ids[0], "changed"), (ids[3], "voided")}
    assert exported(ledger, name, tmp_path, leave_out=True).new == 0
    change(ledger, ids[3], total=Decimal("7.77"))
    assert exported(ledger, name, tmp_path, leave_out=True).new == 1


@pytest.mark.parametrize("name", ["csv", "ofx", "qif"])
def test_two_at_once_book_once(ledger: Ledger, tmp_path: Path, name: str) -> None:
    some_expenses(ledger)
    made = race([lambda place=place: exported(ledger, name, tmp_path / str(place)) for place in range(4)])
    assert (count(ledger, "exports"), count(ledger, "export_items")) == (1, 6)
    if name == "qif":
        # Whoever comes before the first one is confirmed gets the same file again, under the same number.
        files = [contents(tmp_path / str(place)) for place in range(4)]
        assert max(files, key=len) and all(one in ({}, max(files, key=len)) for one in files)
    else:
        assert sorted(one.new for one in made) == [0, 0, 0, 6]


def test_an_export_that_was_not_confirmed_is_written_again_before_anything_new(ledger: Ledger, tmp_path: Path) -> None:
    some_expenses(ledger)
    lost = exported(ledger, "qif", tmp_path / "lost", confirmed=False)
    spent(ledger, "later", purchase_date=dt.date(2026, 3, 3))
    again = exported(ledger, "qif", tmp_path / "again")
    assert (again.is_repeat, again.number, again.new) == (False, 2, 1)
    (first,) = contents(tmp_path / "lost").items()
    assert lost.number == 1 and first in contents(tmp_path / "again").items()
    assert len(contents(tmp_path / "again")) == 2


def test_any_export_can_be_had_again(ledger: Ledger, tmp_path: Path) -> None:
    ids = some_expenses(ledger)
    first = exported(ledger, "ofx", tmp_path / "first")
    void(ledger, ids[0])
    exported(ledger, "ofx", tmp_path / "second")
    with staging(tmp_path / "again") as output:
        write_again(ledger, "anna", "ofx", first.number or 0, output)
        assert {name: (output.folder / name).read_bytes() for name in output.names} == contents(tmp_path / "first")


def test_an_account_that_changes_takes_back_what_was_booked_on_the_other(ledger: Ledger, tmp_path: Path) -> None:
    (one,) = [spent(ledger, "one", total=Decimal("9.99"))]
    exported(ledger, "qif", tmp_path)
    change(ledger, one, payment_method="cash")
    exported(ledger, "qif", tmp_path)
    text = (tmp_path / "receiptflow-0002-import-once.qif").read_text()
    assert "NCard EUR" in text and "T9.99" in text.split("NCash EUR")[1] + text.split("NCash EUR")[0]
    assert text.index("T-9.99") > text.index("NCash EUR") or text.index("NCash EUR") > text.index("NCard EUR")


def test_a_year_that_has_nothing_left_loses_its_file(ledger: Ledger, tmp_path: Path) -> None:
    ids = some_expenses(ledger)
    (tmp_path / "receiptflow-mine.journal").write_text("; the user's own\n")
    exported(ledger, "hledger", tmp_path)
    assert (tmp_path / "receiptflow-2025.journal").exists()
    void(ledger, ids[0])
    exported(ledger, "hledger", tmp_path)
    assert not (tmp_path / "receiptflow-2025.journal").exists()
    assert (tmp_path / "receiptflow-mine.journal").exists()
    assert "2025" not in (tmp_path / "receiptflow.journal").read_text()


def test_a_period_brings_what_is_new_in_it_and_what_changed_anywhere(ledger: Ledger, tmp_path: Path) -> None:
    ids = some_expenses(ledger)
    january = Period(dt.date(2026, 1, 1), dt.date(2026, 1, 31))
    assert exported(ledger, "qif", tmp_path, period=january).new == 3
    change(ledger, ids[1], purchase_date=dt.date(2026, 6, 1))
    change(ledger, ids[0], total=Decimal(1))
    told = exported(ledger, "qif", tmp_path, period=january)
    assert (told.new, told.changed) == (0, 1)
    assert exported(ledger, "qif", tmp_path).new == 3


def test_a_part_of_a_year_does_not_take_the_place_of_the_year(ledger: Ledger, tmp_path: Path) -> None:
    some_expenses(ledger)
    with pytest.raises(WrongOptionError, match="31 December"):
        exported(ledger, "hledger", tmp_path, period=Period(dt.date(2026, 1, 1), dt.date(2026, 3, 31)))
    with pytest.raises(WrongOptionError, match="whole"):
        exported(ledger, "beancount", tmp_path, since_last=True)


def test_what_would_be_refused_is_named_and_nothing_is_noted(ledger: Ledger, tmp_path: Path) -> None:
    some_expenses(ledger)
    lost = spent(ledger, "x", currency=None, purchase_date=dt.date(2026, 5, 5))
    dateless = spent(ledger, "y", purchase_date=None)
    for name in ("ofx", "beancount"):
        with pytest.raises(ExportRefusedError) as refused:
            exported(ledger, name, tmp_path / name)
        assert lost in str(refused.value) and dateless in str(refused.value) and "currency" in str(refused.value)
        assert contents(tmp_path / name) == {}
    assert count(ledger, "export_items") == count(ledger, "exports") == 0
    told = exported(ledger, "ofx", tmp_path, leave_out=True)
    assert (told.new, told.refused) == (6, 2)
    assert exported(ledger, "csv", tmp_path).new == 8
    change(ledger, lost, currency="EUR")
    assert exported(ledger, "ofx", tmp_path, leave_out=True).new == 1


def test_a_kill_before_the_end_notes_nothing(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some_expenses(ledger)

    class FullDiskError(OSError):
        pass

    with staging(tmp_path) as output, pytest.raises(FullDiskError):
        monkeypatch.setattr(output, "close", lambda: (_ for _ in ()).throw(FullDiskError()))
        try:
            export(ledger, "anna", "csv", output)
        finally:
            monkeypatch.undo()
    assert contents(tmp_path) == {}
    assert count(ledger, "export_items") == 0
    assert exported(ledger, "csv", tmp_path).new == 6


def test_confirming_nothing_is_no_error(ledger: Ledger, tmp_path: Path) -> None:
    told = exported(ledger, "qif", tmp_path)
    assert (told.number, told.files) == (None, ())
    confirm(ledger, told, "anna")


@pytest.mark.parametrize("name", ["csv", "qif", "ofx"])
@pytest.mark.parametrize("moment", ["compare", "write", "publish"])
def test_kill_9_in_the_middle(ledger: Ledger, ledger_url: str, tmp_path: Path, name: str, moment: str) -> None:
    """While it compares, while it writes what it noted, and with whole files that nobody has seen yet."""
    some_expenses(ledger)
    killed = subprocess.run([sys.executable, "-c", _KILLED, ledger_url, name, str(tmp_path), moment], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [path for path in contents(tmp_path) if not path.startswith(".")] == []
    exported(ledger, name, tmp_path)
    assert count(ledger, "export_items") == 6
    assert count(ledger, "exports") == 1
    made = [path for path in contents(tmp_path) if not path.startswith(".")]
    assert len(made) == 1 and "Shop a" in (tmp_path / made[0]).read_text()


def test_what_a_killed_export_left_is_removed_after_a_day(ledger: Ledger, tmp_path: Path) -> None:
    some_expenses(ledger)
    old, new = tmp_path / ".receiptflow-export-old", tmp_path / ".receiptflow-export-new"
    for left in (old, new):
        left.mkdir()
        (left / "receiptflow.csv").write_text("half")
    os.utime(old, (0, 0))
    exported(ledger, "csv", tmp_path)
    assert (old.exists(), new.exists()) == (False, True)


_KILLED = """
import os, signal, sys
from pathlib import Path
from flows.exports import comparison, into_folder, run
from flows.ledger.database import open_ledger

def kill(*_arguments, **_options):
    os.kill(os.getpid(), signal.SIGKILL)

url, name, folder, moment = sys.argv[1:]
if moment == "compare":
    comparison.finish_export = kill
elif moment == "write":
    run._write_journal = kill
    run.finish_export = kill
else:
    into_folder.publish = kill
list(into_folder.export_into(open_ledger(url), "anna", name, Path(folder), into_folder.Options()))
"""
