"""What a target of exports is. docs/exports.md says how to add one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from flows.exports.booking import AccountNames, Accounts
from flows.ledger.exports import ExpenseRow, ExportView, Movement, StatementView


class Output(Protocol):
    """Where a target writes its files."""

    def write(self, name: str, text: str) -> None:
        """Append text to a file, which its first text makes."""


class Named(Protocol):
    """Whatever expenses are exported to."""

    @property
    def name(self) -> str:
        """As it is asked for."""

    @property
    def names(self) -> AccountNames:
        """How it names accounts that no rule of the owner names."""


class Telling(Named, Protocol):
    """What keeps what it was told of an expense."""

    def entry(self, row: ExpenseRow, accounts: Accounts) -> dict[str, Any]:
        """All that it is told of an expense.

        Raises:
            ExpenseRefusedError: The program would not take it.
        """


class Target(Named, Protocol):
    """A program that reads files."""

    @property
    def title(self) -> str:
        """As people call it."""


@runtime_checkable
class WholeTarget(Target, Protocol):
    """Files that are ours alone: written whole each time, the same bytes for the same expenses."""

    @property
    def needs_whole_years(self) -> bool:
        """Whether it has a file for each year, of which a part would take the place of the whole."""

    def render(self, row: ExpenseRow, accounts: Accounts) -> str:
        """One expense in the file.

        Raises:
            ExpenseRefusedError: The program would not take it.
        """

    def file_of(self, row: ExpenseRow) -> str:
        """The name of the file that an expense goes to; expenses come by day of purchase."""

    def header(self, name: str) -> str:
        """What a file begins with."""

    def index(self, names: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Further files, once all is written: name and text, of a long one in pieces, all of one file together."""


@runtime_checkable
class JournalTarget(Target, Protocol):
    """Files that a program takes in and keeps: what was booked once is never changed, only taken back and booked anew.

    `imports_once` says that the program does not know what it has, so that each export brings only what came since.
    """

    @property
    def imports_once(self) -> bool:
        """Whether the program does not know what it has."""

    def entry(self, row: ExpenseRow, accounts: Accounts) -> dict[str, Any]:
        """All that the file tells of an expense: at least `date`, `account`, `currency` and `amount`, as text.

        Raises:
            ExpenseRefusedError: The program would not take it.
        """

    def write(
        self, export: ExportView, statements: Sequence[StatementView], movements: Iterable[Movement], output: Output
    ) -> None:
        """The file of these movements, which come account by account, in the order of the statements."""
