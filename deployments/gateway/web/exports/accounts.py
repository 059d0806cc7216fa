"""Accounts: where a category, a payment method or a tax goes, for all targets or one, tried before it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.problems import RefusedError
from deployments.gateway.web.exports.servers import TITLES
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.templates import go_to, render, with_query
from deployments.gateway.web.visitor import ChangingAdmin, Fields, Viewer
from flows.exports import (
    AccountNames,
    ActualTarget,
    FireflyTarget,
    Refusal,
    account_names,
    preview,
    preview_entries,
    targets,
)
from flows.ledger.exports import (
    KINDS,
    AccountRule,
    UsedValues,
    list_accounts,
    remove_account,
    set_account,
    used_values,
)
from flows.ledger.owner_settings import settings_of

router = APIRouter(include_in_schema=False)
# Of what all targets are to have, this one shows the most.
_SHOWN_FOR_ALL = "hledger"
_MOST_ROWS = 400
_KNOWN = "known"


class Row(NamedTuple):
    """One value. `account` is the rule of this very target, `otherwise` where it goes without that."""

    kind: str
    value: str
    account: str
    otherwise: str


@router.get("/exports/accounts")
async def get_accounts(
    request: Request, visitor: Viewer, context: Context, target: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    """The rules of one target, or those for all, and its first ten expenses."""
    return await _page(request, visitor.owner, context, target, None)


@router.post("/exports/accounts")
async def change(request: Request, visitor: ChangingAdmin, context: Context, fields: Fields) -> Response:
    """Keep what was changed, or show what it would make."""
    target = fields.get("target", "")
    if target:
        account_names(target)
    wanted = list(_changed(target, fields))
    if fields.get("what") == "preview":
        return await _page(request, visitor.owner, context, target, wanted)
    await with_ledger(context, lambda session: _keep(visitor.owner, wanted, session))
    return go_to(f"/exports/accounts{with_query({'target': target})}", f"{len(wanted)} changed.")


async def _page(
    request: Request, owner: str, context: GatewayContext, target: str, wanted: Sequence[AccountRule] | None
) -> Response:
    names = account_names(target or _SHOWN_FOR_ALL)

    def read(session: Session) -> tuple[list[AccountRule], list[AccountRule], UsedValues, str]:
        kept = list_accounts(owner, target, session=session)
        with session.begin_nested() as trial:  # the ledger's own checks of rules, of which nothing stays
            _keep(owner, wanted or (), session)
            tried = list_accounts(owner, target, session=session)
            trial.rollback()
        currency = settings_of(owner, session=session).home_currency or "EUR"
        return kept, tried, used_values(owner, session=session), currency

    kept, tried, used, currency = await with_ledger(context, read)
    files, refusals = await asyncio.to_thread(_preview, context, owner, target or _SHOWN_FOR_ALL, tried, currency)
    rows = _rows(target, tried, used, names)
    was = {(rule.kind, rule.value): rule.account for rule in kept if rule.target == target}
    choices = {name: one.title for name, one in targets().items()} | TITLES
    return render(
        request,
        "exports/accounts.html",
        target=target,
        targets=choices,
        rows=rows,
        was=was,
        known=_known(tried, target),
        known_was=_known(kept, target),
        files=files,
        refusals=refusals,
        is_tried=wanted is not None,
        shown=choices[target or _SHOWN_FOR_ALL],
    )


def _rows(target: str, rules: Sequence[AccountRule], used: UsedValues, names: AccountNames) -> list[Row]:
    """A row for each value that is used or has a rule, and one for all others of its kind."""
    own = {(rule.kind, rule.value): rule.account for rule in rules if rule.target == target}
    general = {(rule.kind, rule.value): rule.account for rule in rules if not rule.target} if target else {}
    found = {"category": used.categories, "payment_method": used.payment_methods, "tax": used.rates, "currency": []}
    rows = []
    for kind, values in found.items():
        ruled = [value for rule_kind, value in (*own, *general) if rule_kind == kind]
        shown = dict.fromkeys([*values, *ruled, ""]) if kind != "currency" else [""]
        rows += [Row(kind, value, own.get((kind, value), ""), _otherwise(kind, value, own, general)) for value in shown]
    return [row if row.otherwise else row._replace(otherwise=_default(row, names)) for row in rows]


def _otherwise(
    kind: str, value: str, own: Mapping[tuple[str, str], str], general: Mapping[tuple[str, str], str]
) -> str:
    """Where a value goes by other rules than its own one here, in the order of `Accounts`."""
    others = own.get((kind, "")) if value else None
    return general.get((kind, value)) or others or general.get((kind, "")) or ""


def _default(row: Row, names: AccountNames) -> str:
    """Where it goes without any rule."""
    if row.kind == "category":
        return names.category(row.value or None)
    return names.payment(row.value or None) if row.kind == "payment_method" else ""


def _known(rules: Sequence[AccountRule], target: str) -> str:
    return "\n".join(rule.account for rule in rules if rule.kind == _KNOWN and rule.target == target)


def _changed(target: str, fields: Mapping[str, str]) -> Iterator[AccountRule]:
    """What differs from what the form showed; an empty account takes the rule away."""
    for place in range(_MOST_ROWS):
        if (kind := fields.get(f"kind-{place}")) is None:
            break
        if kind not in KINDS or kind == _KNOWN:
            raise RefusedError(422, f"kind: {kind[:40]!r} is none that has accounts")
        account = fields.get(f"account-{place}", "").strip()
        if account != fields.get(f"was-{place}", ""):
            yield AccountRule(target, kind, fields.get(f"value-{place}", ""), account)
    before, now = (_lines(fields.get(name, "")) for name in ("known-was", "known"))
    yield from (AccountRule(target, _KNOWN, account, account) for account in now if account not in before)
    yield from (AccountRule(target, _KNOWN, account, "") for account in before if account not in now)
    if fields.get("new-account", "").strip():
        yield AccountRule(target, fields.get("new-kind", ""), fields.get("new-value", ""), fields["new-account"])


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _keep(owner: str, rules: Sequence[AccountRule], session: Session) -> None:
    for rule in rules:
        if rule.account:
            set_account(owner, rule, session=session)
        else:
            remove_account(owner, rule, session=session)


def _preview(
    context: GatewayContext, owner: str, target: str, rules: Sequence[AccountRule], currency: str
) -> tuple[dict[str, str], list[Refusal]]:
    if target in targets():
        return preview(context.ledger, owner, target, rules=rules)
    told = ActualTarget(currency) if target == ActualTarget.name else FireflyTarget()
    entries, refusals = preview_entries(context.ledger, owner, told, rules=rules)
    lines = [f"{one['date']}  {one['account']}  {one['payee']}  {_parts(one)}" for one in entries]
    return ({TITLES[target]: "\n".join(lines)} if lines else {}), refusals


def _parts(entry: Mapping[str, object]) -> str:
    parts = entry.get("parts")
    if isinstance(parts, list):
        return ", ".join(f"{name or '–'} {amount}" for name, amount in parts)
    return f"{entry.get('category', '–')}  {entry['amount']} {entry['currency']}"
