"""The programs that exports are for, each as a test uses it: take what was exported, and say what was spent.

A program that is missing skips its tests, named; where all must be there (`.ci/run`, `make test-exports`) it fails
them.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import pytest

_PACKAGES = {
    "ledger": "ledger",
    "hledger": "hledger",
    "ofxdump": "ofx",
    "soffice": "libreoffice-calc",
    "node": "nodejs",
}
ALL_PROGRAMS = "RECEIPTFLOW_ALL_PROGRAMS"
DEBIAN_PROGRAMS = "RECEIPTFLOW_DEBIAN_PROGRAMS"  # those that `.ci/run` installs


def needed(program: str, *, everywhere: bool = True) -> str:
    """The program's path; skips the test, or fails it where all programs have to be there.

    Args:
        program: Its name.
        everywhere: Also in CI; else only with `make test-exports`.
    """
    path = shutil.which(program)
    if path is None:
        told = f"{program} is missing: apt-get install {_PACKAGES[program]}"
        if os.environ.get(ALL_PROGRAMS) or (everywhere and os.environ.get(DEBIAN_PROGRAMS)):
            pytest.fail(told)
        pytest.skip(told)
    return path


def run(*command: str, folder: Path | None = None) -> str:
    """What a program prints; its complaint fails the test."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{command[0]} says: {done.stderr}\n{done.stdout}"
    return done.stdout


class Books(Protocol):
    """A program with books of its own in a folder."""

    target: str

    def take(self, folder: Path) -> None:
        """Import what an export has put into a folder."""

    def spent(self, currency: str) -> Decimal:
        """What was spent in a currency, as the program says."""


class Beancount:
    """Beancount 3 with a file of the user's that includes ours."""

    target = "beancount"

    def take(self, folder: Path) -> None:
        self._main = folder / "main.beancount"
        included = ("receiptflow-accounts.beancount", "receiptflow.beancount")
        self._main.write_text("".join(f'include "{name}"\n' for name in included))
        check = shutil.which("bean-check") or str(Path(sys.executable).with_name("bean-check"))
        assert run(check, str(self._main)) == ""

    def spent(self, currency: str) -> Decimal:
        from beancount import loader  # noqa: PLC0415
        from beancount.core.data import Transaction  # noqa: PLC0415

        entries, errors, _ = loader.load_file(str(self._main))
        assert errors == []
        postings = [one for entry in entries if isinstance(entry, Transaction) for one in entry.postings]
        return sum(
            (
                one.units.number
                for one in postings
                if one.account.startswith("Expenses:") and one.units.currency == currency
            ),
            Decimal(0),
        )


class LedgerCli:
    """ledger, whose user includes our file twice by mistake: what has a UUID that it knows is dropped."""

    target = "ledger"

    def take(self, folder: Path) -> None:
        self._main = folder / "main.ledger"
        self._main.write_text("include receiptflow.ledger\ninclude receiptflow.ledger\n")

    def spent(self, currency: str) -> Decimal:
        form = "%(quantity(amount)) %(commodity(amount))\n"
        told = run(needed("ledger"), "-f", str(self._main), "--args-only", "reg", "^Expenses", "-F", form)
        rows = [row.split() for row in told.splitlines()]
        return sum((Decimal(amount) for amount, commodity in rows if commodity == currency), Decimal(0))


class Hledger:
    """hledger with a file of the user's that includes ours."""

    target = "hledger"

    def take(self, folder: Path) -> None:
        self._main = folder / "main.journal"
        self._main.write_text("include receiptflow.journal\n")
        run(needed("hledger"), "-f", str(self._main), "check", "ordereddates")

    def spent(self, currency: str) -> Decimal:
        told = run(needed("hledger"), "-f", str(self._main), "print", "-O", "csv")
        rows = csv.DictReader(io.StringIO(told))
        amounts = (
            Decimal(row["amount"])
            for row in rows
            if row["account"].startswith("Expenses:") and row["commodity"] == currency
        )
        return sum(amounts, Decimal(0))


class OfxReader:
    """What GnuCash does, with ofxtools as its reader: of each account a `FITID` that it knows is dropped."""

    target = "ofx"

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[str, Decimal]] = {}
        self._told: dict[str, Decimal] = {}

    def take(self, folder: Path) -> None:
        from ofxtools.Parser import OFXTree  # noqa: PLC0415

        newest = max(folder.glob("*.ofx"))
        tree = OFXTree()
        tree.parse(str(newest))
        for statement in tree.convert().statements:
            account = statement.bankacctfrom.acctid
            for one in statement.transactions:
                self._known.setdefault((account, one.fitid), (statement.curdef, one.trnamt))
            self._told[account] = statement.ledgerbal.balamt
        self._hold_balances()

    def _hold_balances(self) -> None:
        """What the file says an account has is what its transactions make."""
        booked: dict[str, Decimal] = defaultdict(Decimal)
        for (account, _), (_, amount) in self._known.items():
            booked[account] += amount
        assert booked == self._told

    def spent(self, currency: str) -> Decimal:
        return -sum((amount for kept, amount in self._known.values() if kept == currency), Decimal(0))


class OfxDump(OfxReader):
    """libofx, which GnuCash, KMyMoney and Skrooge read with; Debian's `ofxdump`."""

    def __init__(self) -> None:
        self._program = needed("ofxdump")
        self._amounts: dict[tuple[str, str], Decimal] = {}

    def take(self, folder: Path) -> None:
        done = subprocess.run(
            [self._program, str(max(folder.glob("*.ofx")))], capture_output=True, text=True, check=True, timeout=60
        )
        assert "ERROR" not in done.stdout + done.stderr
        for told in done.stdout.split("ofx_proc_transaction()")[1:]:
            block = told.split("ofx_proc_")[0]
            account, fitid, amount = (
                self._field(block, name)
                for name in ("Account ID", "Financial institution's ID for this transaction", "Total money amount")
            )
            self._amounts.setdefault((account, fitid), Decimal(amount))

    def _field(self, block: str, name: str) -> str:
        found = re.search(rf"{re.escape(name)}\s*:\s*(.*)", block)
        assert found, block
        return found[1].strip()

    def spent(self, currency: str) -> Decimal:
        # ofxdump prints no more than two decimal places.
        return -sum(
            (amount for (account, _), amount in self._amounts.items() if account.split()[-1].endswith(currency)),
            Decimal(0),
        )


class Quiffen:
    """A program that reads QIF and remembers nothing; its user imports each file once."""

    target = "qif"

    def __init__(self) -> None:
        self._spent: dict[str, Decimal] = defaultdict(Decimal)
        self._imported: set[str] = set()

    def take(self, folder: Path) -> None:
        from quiffen import Qif  # noqa: PLC0415

        for path in sorted(folder.glob("*.qif")):
            if path.name in self._imported:
                continue
            self._imported.add(path.name)
            for name, account in Qif.parse(path, day_first=False).accounts.items():
                for transactions in account.transactions.values():
                    for one in transactions:
                        self._spent[name.split()[-1]] -= one.amount
                        assert one.amount == sum((part.amount for part in one.splits), Decimal(0)) or not one.splits

    def spent(self, currency: str) -> Decimal:
        return self._spent[currency]
