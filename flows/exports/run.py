"""One export: what is new, changed and voided since the last one is noted in the ledger, and the files are written.

One pass over the expenses, in the transaction that notes what it found, under a lock for owner and target: two exports
at once follow each other. Killed before its end, it has noted nothing (whole files), or what it noted is written again
under the same number, byte for byte the same (files that a program takes in and keeps).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from flows.exports.booking import Accounts
from flows.exports.comparison import Comparison, Exported
from flows.exports.errors import ExpenseRefusedError, WrongOptionError
from flows.exports.protocol import JournalTarget, Named, Telling, WholeTarget
from flows.exports.staging import Staging
from flows.exports.targets import FileTarget, file_target
from flows.ledger.database import Ledger
from flows.ledger.exports import (
    ExportView,
    Period,
    finish_export,
    get_export,
    list_accounts,
    list_exports,
    lock_target,
    movements,
    statements,
    stream_expenses,
)


def export(
    ledger: Ledger,
    owner: str,
    name: str,
    output: Staging,
    *,
    period: Period | None = None,
    since_last: bool = False,
    leave_out: bool = False,
    note: bool = True,
) -> Exported:
    """Write an owner's expenses for a target, and note what it was told.

    A journal's export counts as written once `confirm` says so; until then the next one writes it again.

    Args:
        ledger: Where they are.
        owner: Whose.
        name: The target's.
        output: Where the files are written.
        period: Days of purchase; what was exported before and is changed or voided by now comes along.
        since_last: Only what came since the export before.
        leave_out: Leave out what the target would refuse, rather than export nothing.
        note: Note what the target was told; else only the files of what it was told already, or, where they are
            written whole, of everything as it is now.

    Raises:
        UnknownTargetError: There is no such target.
        ExportRefusedError: The target would refuse some expenses.
        WrongOptionError: The target cannot do this.
    """
    target, wanted = target_for(name, since_last=since_last), period or Period()
    if isinstance(target, JournalTarget):
        only_new = since_last or target.imports_once
        if not note:
            return _last_again(ledger, owner, target, output)
        return _export_journal(ledger, owner, target, output, wanted, only_new=only_new, leave_out=leave_out)
    return _export_whole(ledger, owner, target, output, wanted, leave_out=leave_out, note=note)


def target_for(name: str, *, since_last: bool) -> FileTarget:
    """The target of this name; of CSV since the last one, the one that tells changes.

    Raises:
        UnknownTargetError: There is none.
        WrongOptionError: It is always written whole.
    """
    target = file_target("csv-changes" if name == "csv" and since_last else name)
    if since_last and not isinstance(target, JournalTarget):
        raise WrongOptionError(f"{name} is always written whole, which is what keeps it right; leave --since out")
    return target


def confirm(ledger: Ledger, exported: Exported, owner: str) -> None:
    """Note that an export's files are where they belong, so that the next one does not write them again."""
    if exported.number is None:
        return
    with ledger.session() as session:
        finish_export(get_export(owner, exported.target, exported.number, session=session), session=session)


def write_again(ledger: Ledger, owner: str, name: str, number: int, output: Staging) -> ExportView:
    """Write the file of an export of before, byte for byte the same while no receipt of it was deleted.

    Raises:
        ExportNotFoundError: There is no export with this number.
        WrongOptionError: The target is always written whole, as everything is now.
    """
    target = file_target(name)
    if not isinstance(target, JournalTarget):
        raise WrongOptionError(f"{name} is always written whole, as everything is now; leave the number out")
    with ledger.session() as session:
        made = get_export(owner, name, number, session=session)
        _write_journal(target, made, output, whole=not target.imports_once, session=session)
    return made


def accounts_of(owner: str, target: Named, *, session: Session) -> Accounts:
    """The owner's accounts for a target."""
    return Accounts(list_accounts(owner, target.name, session=session), target.names)


def _export_whole(
    ledger: Ledger, owner: str, target: WholeTarget, output: Staging, period: Period, *, leave_out: bool, note: bool
) -> Exported:
    if target.needs_whole_years:
        _demand_whole_years(target, period)
    with ledger.session() as session:
        lock_target(owner, target.name, session=session)
        found = Comparison(owner, target.name, period, session, note=note)
        accounts = accounts_of(owner, target, session=session)
        for row in stream_expenses(owner, target.name, period, session=session):
            if row.voided:
                found.void(row.booked, row.revision)
                continue
            try:
                text, file = target.render(row, accounts), target.file_of(row)
            except ExpenseRefusedError as error:
                found.refuse(row, error)
                continue
            if file not in output.names:
                output.write(file, target.header(file))
            output.write(file, text)
            found.tell(row, hashlib.sha256(text.encode()).hexdigest(), None)
        found.void_gone()
        # A file that includes those of all years must not become one that includes some.
        for name, text in target.index(tuple(output.names)) if period.is_open else ():
            output.write(name, text)
        output.close()
        made = found.finish(leave_out=leave_out)
        if made is not None:
            finish_export(made, session=session)
        return found.result(output.names)


def _last_again(ledger: Ledger, owner: str, target: JournalTarget, output: Staging) -> Exported:
    with ledger.session() as session:
        last = next(iter(list_exports(owner, target.name, session=session, limit=1)), None)
        found = Comparison(owner, target.name, Period(), session)
        if last is not None:
            found.repeat(last)
            _write_journal(target, last, output, whole=not target.imports_once, session=session)
        return found.result(output.names)


def _demand_whole_years(target: WholeTarget, period: Period) -> None:
    first, last = period.first, period.last
    if (first is None or (first.month, first.day) == (1, 1)) and (last is None or (last.month, last.day) == (12, 31)):
        return
    raise WrongOptionError(
        f"{target.name} has a file for each year, which is written whole: a period begins on 1 January and ends on "
        f"31 December, not {first or 'open'} to {last or 'open'}"
    )


def _export_journal(
    ledger: Ledger,
    owner: str,
    target: JournalTarget,
    output: Staging,
    period: Period,
    *,
    only_new: bool,
    leave_out: bool,
) -> Exported:
    with ledger.session() as session:
        lock_target(owner, target.name, session=session)
        last = next(iter(list_exports(owner, target.name, session=session, limit=1)), None)
        found = Comparison(owner, target.name, period, session)
        if only_new and last is not None and last.finished_at is None:
            found.repeat(last)
        else:
            compare(found, owner, target, period, session=session)
            found.finish(leave_out=leave_out)
    made = found.export or (None if only_new else last)
    if made is not None:
        with ledger.session() as session:
            _write_journal(target, made, output, whole=not only_new, session=session)
    result = found.result(output.names)
    return result if made is None else replace(result, number=made.number)


def compare(found: Comparison, owner: str, target: Telling, period: Period, *, session: Session) -> None:
    """Note what there is to tell a target that keeps what it was told."""
    accounts = accounts_of(owner, target, session=session)
    for row in stream_expenses(owner, target.name, period, session=session, booked_too=True):
        if row.voided:
            found.void(row.booked, row.revision)
            continue
        try:
            entry = target.entry(row, accounts)
        except ExpenseRefusedError as error:
            found.refuse(row, error)
        else:
            found.tell(row, _hash_of(entry), entry)
    found.void_gone()


def _hash_of(entry: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _write_journal(target: JournalTarget, made: ExportView, output: Staging, *, whole: bool, session: Session) -> None:
    accounts = statements(made, whole=whole, session=session)
    target.write(made, accounts, movements(made, whole=whole, session=session), output)
    output.close()
