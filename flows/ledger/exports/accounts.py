"""To which account of an owner's books a category, a payment method or a tax rate goes."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from flows.domain.errors import ReceiptflowError
from flows.ledger.schema import ExportAccount

# `known` names the accounts that there are; `currency` stands for expenses without one.
KINDS = ("category", "payment_method", "tax", "known", "currency")
_LONGEST = 200


class InvalidAccountError(ReceiptflowError):
    """A rule from outside that cannot be one."""


class AccountRule(NamedTuple):
    """One row: of this kind, this value goes to this account. An empty `target` or `value` stands for all others."""

    target: str
    kind: str
    value: str
    account: str


def list_accounts(owner: str, target: str | None = None, *, session: Session) -> list[AccountRule]:
    """An owner's rules; with `target` those that count for it, its own behind the general ones."""
    query = select(ExportAccount).where(ExportAccount.owner == owner)
    if target is not None:
        query = query.where(col(ExportAccount.target).in_(["", target]))
    order = (col(ExportAccount.target), col(ExportAccount.kind), col(ExportAccount.value))
    return [AccountRule(row.target, row.kind, row.value, row.account) for row in session.exec(query.order_by(*order))]


def set_account(owner: str, rule: AccountRule, *, session: Session) -> AccountRule:
    """Add a rule, or change the one of the same target, kind and value.

    Raises:
        InvalidAccountError: A field cannot be what it is to be; the message names it.
    """
    checked = _checked(rule)
    query = insert(ExportAccount).values(owner=owner, **checked._asdict())
    key = ["owner", "target", "kind", "value"]
    session.execute(query.on_conflict_do_update(index_elements=key, set_={"account": checked.account}))
    return checked


def remove_account(owner: str, rule: AccountRule, *, session: Session) -> bool:
    """Remove the rule of this target, kind and value; whether there was one."""
    checked = _checked(rule._replace(account="-"))
    query = delete(ExportAccount).where(
        col(ExportAccount.owner) == owner,
        col(ExportAccount.target) == checked.target,
        col(ExportAccount.kind) == checked.kind,
        col(ExportAccount.value) == checked.value,
    )
    return session.execute(query.returning(col(ExportAccount.value))).one_or_none() is not None


def tax_value(rate: Decimal | None) -> str:
    """A tax rate as rules name it: 19.00 is "19"."""
    return "" if rate is None else format(rate.normalize(), "f")


def _checked(rule: AccountRule) -> AccountRule:
    if rule.kind not in KINDS:
        raise InvalidAccountError(f"kind: {rule.kind!r} is none of {', '.join(KINDS)}")
    for name, text in rule._asdict().items():
        if len(text) > _LONGEST or not text.isprintable():
            raise InvalidAccountError(f"{name}: at most {_LONGEST} characters without line breaks, please")
    account, value = rule.account.strip(), rule.value.strip()
    if not account:
        raise InvalidAccountError("account: it is empty; name the account, or remove the rule")
    if rule.kind == "currency" and not (len(account) == 3 and account.isascii() and account.isupper()):
        raise InvalidAccountError(f"account: {account!r} is no ISO 4217 code such as EUR")
    if rule.kind == "tax" and value:
        value = _rate(value)
    if rule.kind == "known" and not value:
        value = account
    return rule._replace(account=account, value=value)


def _rate(value: str) -> str:
    try:
        rate = Decimal(value.removesuffix("%").strip().replace(",", "."))
    except InvalidOperation as error:
        raise InvalidAccountError(f"value: {value!r} is no tax rate in per cent such as 19 or 5.5") from error
    if not 0 <= rate <= 100:
        raise InvalidAccountError(f"value: a tax rate is 0 to 100 per cent, not {value}")
    return tax_value(rate)
