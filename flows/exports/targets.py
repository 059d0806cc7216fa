"""Which targets there are."""

from __future__ import annotations

from collections.abc import Callable

from flows.exports.actual import ActualTarget
from flows.exports.beancount import BeancountFile
from flows.exports.booking import AccountNames
from flows.exports.csv_file import CsvChanges, CsvFile
from flows.exports.errors import UnknownTargetError
from flows.exports.firefly_api import FireflyTarget
from flows.exports.firefly_csv import FireflyCsv
from flows.exports.hledger import HledgerFile
from flows.exports.ledger_cli import LedgerFile
from flows.exports.ofx import OfxFile
from flows.exports.protocol import JournalTarget, WholeTarget
from flows.exports.qif import QifFile

FileTarget = WholeTarget | JournalTarget

# Made anew for each export: a target may keep what it needs to know until its end.
_TARGETS: tuple[Callable[[], FileTarget], ...] = (
    CsvFile,
    CsvChanges,
    OfxFile,
    QifFile,
    FireflyCsv,
    BeancountFile,
    LedgerFile,
    HledgerFile,
)


def targets() -> dict[str, FileTarget]:
    """All targets that are files, by name."""
    made = (make() for make in _TARGETS)
    return {target.name: target for target in made}


def file_target(name: str) -> FileTarget:
    """A fresh target.

    Raises:
        UnknownTargetError: There is none of this name.
    """
    known = targets()
    if name not in known:
        raise UnknownTargetError(name, list(known))
    return known[name]


def is_numbered(target: FileTarget) -> bool:
    """Whether the files of each of its exports can be had again, rather than being written whole as all is now."""
    return isinstance(target, JournalTarget)


def account_names(name: str) -> AccountNames:
    """How a target names accounts without rules, be it files or a server.

    Raises:
        UnknownTargetError: There is none of this name.
    """
    known: dict[str, AccountNames] = {one.name: one.names for one in (*targets().values(), ActualTarget, FireflyTarget)}
    if name not in known:
        raise UnknownTargetError(name, list(known))
    return known[name]
