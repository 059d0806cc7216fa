"""What the next export of a target would tell it, counted without noting anything."""

from __future__ import annotations

from flows.exports.comparison import Comparison, Exported
from flows.exports.protocol import JournalTarget, Telling
from flows.exports.run import compare, export
from flows.exports.staging import staging
from flows.exports.targets import file_target
from flows.ledger.database import Ledger
from flows.ledger.exports import Period, list_exports


def pending(ledger: Ledger, owner: str, name: str, *, period: Period | None = None) -> Exported:
    """What is new, changed and voided since the last export of a target, and what the target would refuse.

    Args:
        ledger: Where the expenses are.
        owner: Whose.
        name: The target's.
        period: Days of purchase; what was exported before and is changed or voided by now counts all the same.

    Raises:
        UnknownTargetError: There is no such target.
        WrongOptionError: The target cannot be of this period.
    """
    target, wanted = file_target(name), period or Period()
    if not isinstance(target, JournalTarget):
        with staging() as output:
            return export(ledger, owner, name, output, period=wanted, leave_out=True, note=False)
    return pending_of(ledger, owner, target, period=wanted)


def pending_of(ledger: Ledger, owner: str, target: Telling, *, period: Period | None = None) -> Exported:
    """The same of a target that keeps what it was told, books on a server too."""
    imports_once = isinstance(target, JournalTarget) and target.imports_once
    wanted = period or Period()
    with ledger.session() as session:
        last = next(iter(list_exports(owner, target.name, session=session, limit=1)), None)
        found = Comparison(owner, target.name, wanted, session, note=False)
        if imports_once and last is not None and last.finished_at is None:
            found.repeat(last)
        else:
            compare(found, owner, target, wanted, session=session)
        return found.result(())
