"""An expense as books see it: an account that it was paid from, and postings to accounts that add up to its total."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from flows.exports.errors import ExpenseRefusedError
from flows.exports.shares import shares
from flows.exports.text import currency_digits, decimal_places, one_line
from flows.ledger.exports import AccountRule, ExpenseRow, tax_value

NO_MERCHANT = "Unknown merchant"


class AccountNames(Protocol):
    """How a target names accounts that no rule of the owner names."""

    def category(self, category: str | None) -> str:
        """The account of a category; of None, of what has none."""

    def payment(self, method: str | None) -> str:
        """The account that a payment method pays from; of None, of what has none."""


class Posting(NamedTuple):
    """A part of an expense. `rate` is the tax rate of a posting to a tax account."""

    account: str
    amount: Decimal
    category: str | None
    is_tax: bool = False


@dataclass(frozen=True, slots=True)
class Booking:
    """One expense with its accounts. `picture` is the path that the pictures' archive has it under."""

    row: ExpenseRow
    date: dt.date
    payee: str
    amount: Decimal
    currency: str
    account: str
    postings: tuple[Posting, ...]
    picture: str | None

    @property
    def digits(self) -> int:
        """Decimal places of its amounts."""
        return digits_of(self.row.total, self.currency)


class Accounts:
    """An owner's rules for one target, and the target's own names for the rest."""

    def __init__(self, rules: Iterable[AccountRule], names: AccountNames) -> None:
        # General rules come first and are overwritten by the target's own.
        self._rules = {(rule.kind, rule.value.casefold()): rule.account for rule in rules}
        self._known = {account for (kind, _), account in self._rules.items() if kind == "known"}
        self._names = names

    @property
    def currency(self) -> str | None:
        """The currency of expenses that have none."""
        return self._rules.get(("currency", ""))

    def category(self, category: str | None) -> str:
        """The account of a category."""
        return self._known_one(self._rule("category", category) or self._names.category(category), category)

    def payment(self, method: str | None) -> str:
        """The account that was paid from."""
        return self._known_one(self._rule("payment_method", method) or self._names.payment(method), method)

    def tax(self, rate: Decimal | None) -> str | None:
        """The account of tax at a rate; None where tax stays with what was bought."""
        account = self._rule("tax", tax_value(rate))
        return self._known_one(account, f"tax {tax_value(rate)} %") if account else None

    def _rule(self, kind: str, value: str | None) -> str | None:
        return self._rules.get((kind, (value or "").casefold())) or self._rules.get((kind, ""))

    def _known_one(self, account: str, value: str | None) -> str:
        # Empty where the target has no account for it.
        if self._known and account and account not in self._known:
            raise ExpenseRefusedError(
                f"{value or 'what has no category or payment method'} goes to the account {account!r}, which is none "
                "of the accounts that there are; add it to them, or name another one for it, under Accounts"
            )
        return account


def book(row: ExpenseRow, accounts: Accounts, picture: str | None) -> Booking:
    """An expense with its accounts.

    Raises:
        ExpenseRefusedError: It lacks a date or a currency, or an account is none of the owner's.
    """
    if row.purchase_date is None:
        raise ExpenseRefusedError("it has no date; correct it")
    currency = row.currency or accounts.currency
    if currency is None:
        raise ExpenseRefusedError("it has no currency; correct it, or name one for all such expenses under Accounts")
    return Booking(
        row=row,
        date=row.purchase_date,
        payee=one_line(row.merchant) or NO_MERCHANT,
        amount=row.total,
        currency=currency,
        account=accounts.payment(row.payment_method),
        postings=_postings(row, currency, accounts),
        picture=picture,
    )


def digits_of(total: Decimal, currency: str) -> int:
    """Decimal places of an expense's amounts: its currency's, or more where its total has more."""
    return max(currency_digits(currency), decimal_places(total))


def _postings(row: ExpenseRow, currency: str, accounts: Accounts) -> tuple[Posting, ...]:
    """Tax that has an account of its own goes there, the rest to the categories of the lines, by their share."""
    taxes = [
        Posting(account, tax.amount, None, is_tax=True)
        for tax in row.taxes
        if tax.amount and (account := accounts.tax(tax.rate)) is not None
    ]
    rest = row.total - sum(posting.amount for posting in taxes)
    if taxes and (row.total == 0 or rest / row.total < 0):
        raise ExpenseRefusedError("its taxes are larger than its total; correct them")
    digits = max(digits_of(row.total, currency), *(decimal_places(posting.amount) for posting in taxes), 0)
    categories = _weights(row)
    if len(categories) < 2:
        only = next(iter(categories), row.category)
        return (Posting(accounts.category(only), rest, only), *taxes)
    parts = shares(rest, list(categories.values()), digits)
    spent = [
        Posting(accounts.category(category), part, category) for category, part in zip(categories, parts, strict=True)
    ]
    return (*_without_empty(spent), *taxes)


def _weights(row: ExpenseRow) -> dict[str | None, Decimal]:
    """What was spent on each category of the lines, in their order; nothing where not every line has its total."""
    if not any(line.category for line in row.lines) or any(line.total is None for line in row.lines):
        return {}
    weights: dict[str | None, Decimal] = {}
    for line in row.lines:
        category = line.category or row.category
        weights[category] = weights.get(category, Decimal(0)) + (line.total or Decimal(0))
    return weights if sum(weights.values()) else {}


def _without_empty(postings: Sequence[Posting]) -> Sequence[Posting]:
    return [posting for posting in postings if posting.amount] or postings[:1]
