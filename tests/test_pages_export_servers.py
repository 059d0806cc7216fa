"""The pages of servers and accounts of exports: kept in Prefect, tried, told by a run; rules that are tried first."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from export_helpers import OWNER, balance, some_expenses, spent
from firefly_server import TOKEN, Firefly, running_firefly
from gateway_helpers import Gateway
from page_helpers import Browser, signed_in
from pydantic import SecretStr

from blocks import ActualServer
from flows import export_expenses as module
from flows.ledger.access import Role
from flows.ledger.exports import AccountRule, list_accounts, set_account
from flows.pipeline.book_servers import load_server, owner_slug, run_tags
from flows.pipeline.configuration import Pipeline

pytest_plugins = ["gateway_helpers", "page_helpers"]
FIREFLY = "/app/exports/servers/firefly"
ACCOUNTS = "/app/exports/accounts"


@pytest.fixture
async def owner(gateway_with_prefect: Gateway) -> AsyncIterator[Browser]:
    """The admin of an owner whom the shared Prefect does not know, with a name that is no name of a block."""
    async with signed_in(gateway_with_prefect, f"Änna {uuid.uuid4().hex[:6]}") as browser:
        yield browser


async def post(browser: Browser, path: str, **fields: str) -> str:
    """Send a form; what the next page says."""
    answer = await browser.client.post(path, data={"csrf": browser.token} | fields)
    if answer.status_code == 303:
        answer = await browser.client.get(answer.headers["location"])
    return unescape(answer.text)


async def test_a_server_is_set_tried_told_and_forgotten(
    gateway_with_prefect: Gateway, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, name = gateway_with_prefect, owner.person.owner
    assert "Export now" not in (await owner.client.get(FIREFLY)).text
    with running_firefly() as firefly:
        text = await post(owner, FIREFLY, url=firefly.url, token="wrong")
        assert "Saved. The connection does not work: Firefly refuses the token" in text
        text = await post(owner, FIREFLY, url=firefly.url, token=TOKEN)
        assert "The connection works: Firefly III 6.4.2, asset accounts: Card, Cash." in text
        assert TOKEN not in text
        # The secret stays while the address does, and goes nowhere else.
        assert "The connection works" in await post(owner, FIREFLY, url=firefly.url, token="")
        assert "token: it is needed" in await post(owner, FIREFLY, url="http://127.0.0.1:9", token="")
        assert "url: " in await post(owner, FIREFLY, url="file:///etc/passwd", token=TOKEN)
        assert "The connection works" in await post(owner, f"{FIREFLY}/test")
        monkeypatch.setattr("export_helpers.OWNER", name)
        await _told_by_a_run(gateway, owner, firefly, monkeypatch)
        assert "is forgotten" in await post(owner, f"{FIREFLY}/remove")
        assert "is forgotten" in await post(owner, f"{FIREFLY}/remove")  # a second click
        assert "No server is set yet" in await post(owner, f"{FIREFLY}/export")


async def _told_by_a_run(gateway: Gateway, owner: Browser, firefly: Firefly, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real flow, in a run of its own, as the page's deployment would start it."""
    name = owner.person.owner
    some_expenses(gateway.ledger)
    text = (await owner.client.get(FIREFLY)).text
    assert "5 new" in text and "would be refused there" in text and "Shop a" in text

    async def pipeline() -> Pipeline:
        nothing: Any = None
        return Pipeline("inbox", nothing, nothing, gateway.ledger, nothing, max_bytes=1, notification=None)

    monkeypatch.setattr(module, "load_pipeline", pipeline)
    firefly.assets.remove("Card")
    refused = await module.export_expenses("firefly", name, leave_out=True, return_state=True)
    assert refused.is_failed() and "was not told to its end" in (await owner.client.get(FIREFLY)).text
    firefly.assets.add("Card")
    state = await module.export_expenses("firefly", name, leave_out=True, return_state=True)
    left = "what an export of before had left was told, too"
    assert state.message == f"0 new, 0 changed, 0 voided; {left}; 1 left out"
    assert firefly.spent("EUR") == balance(gateway.ledger)
    text = unescape((await owner.client.get(FIREFLY)).text)
    assert "0 new" in text and left in text and "Completed" in text and "Failed" in text
    runs = await gateway.parts.book_servers.last_runs(name, "firefly")
    assert [run.is_under_way for run in runs] == [False, False]


async def test_an_export_that_is_under_way_is_not_started_again(gateway_with_prefect: Gateway, owner: Browser) -> None:
    """Two clicks; and a deployment that is not there is an error that says so."""
    servers, name = gateway_with_prefect.parts.book_servers, owner.person.owner
    client = servers._client
    flow_id = await client.create_flow_from_name("export-expenses")
    made = await client.create_deployment(flow_id, "actual", tags=["export"], enforce_parameter_schema=False)
    try:
        first, second = [await servers.start_export(name, "actual") for _ in range(2)]
        assert first == second
        run = await client.read_flow_run(first)
        assert set(run.tags) == {"export", *run_tags(name, "actual")}
        assert run.parameters == {"target": "actual", "owner": name, "leave_out": False}
        # The API's keys are anna's and bert's, who have no server.
        refused = await gateway_with_prefect.anna.post("/exports/servers/actual", json={})
        assert (refused.status_code, "no server is known for actual" in refused.json()["detail"]) == (409, True)
        block = ActualServer(url="https://actual.example", password=SecretStr("secret"), budget="B", currency="EUR")
        await block.asave("anna", overwrite=True, client=client)
        started = await gateway_with_prefect.anna.post("/exports/servers/actual", json={"leave_out": True})
        assert started.status_code == 202
        run = await client.read_flow_run(started.json()["flow_run_id"])
        assert run.parameters == {"target": "actual", "owner": "anna", "leave_out": True}
        assert (await gateway_with_prefect.bert.post("/exports/servers/actual", json={})).status_code == 409
        assert (await gateway_with_prefect.nobody.post("/exports/servers/actual", json={})).status_code == 401
        await ActualServer.adelete("anna", client=client)
    finally:
        await client.delete_deployment(made)


async def test_strangers_and_lower_roles_do_not_touch_a_server(gateway_with_prefect: Gateway, owner: Browser) -> None:
    gateway = gateway_with_prefect
    block = ActualServer(url="https://actual.example", password=SecretStr("secret"), budget="B", currency="EUR")
    await block.asave(owner_slug(owner.person.owner))
    page = "/app/exports/servers/actual"
    assert "https://actual.example" in (await owner.client.get(page)).text
    async with signed_in(gateway, "bert") as stranger, signed_in(gateway, owner.person.owner, Role.VIEWER) as viewer:
        assert "actual.example" not in (await stranger.client.get(page)).text
        shown = (await viewer.client.get(page)).text
        assert "Save and try" not in shown and "Export now" not in shown
        for path in (page, f"{page}/test", f"{page}/remove", f"{page}/export", ACCOUNTS):
            answer = await viewer.client.post(path, data={"csrf": viewer.token, "url": "https://evil.example"})
            assert answer.status_code == 403
        await post(stranger, f"{page}/remove")
    kept = await load_server("actual", owner.person.owner)
    assert (kept.url, kept.password.get_secret_value()) == ("https://actual.example", "secret")


async def test_private_addresses_are_refused_where_they_are_not_let_in(
    gateway_with_prefect: Gateway, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_with_prefect.parts.book_servers, "_allow_private", False)
    for url in ("http://firefly.example", "https://127.0.0.1:9", "https://[::ffff:10.0.0.1]/"):
        text = await post(owner, FIREFLY, url=url, token=TOKEN)
        assert "RECEIPTFLOW_EXPORTS_ALLOW_PRIVATE" in text


async def test_what_cannot_be_is_named_and_prefects_absence_too(gateway: Gateway, admin: Browser) -> None:
    assert "there is no export target" in (await admin.client.get("/app/exports/servers/paper")).text
    text = (await admin.client.get(FIREFLY)).text
    assert "Prefect does not answer just now" in text
    answer = await admin.client.post(f"{FIREFLY}/export", data={"csrf": admin.token})
    assert (answer.status_code, "try again" in answer.text) == (503, True)


def _form(text: str) -> dict[str, str]:
    """The rows of the accounts' form: what a browser would send unchanged."""
    fields = dict(re.findall(r'name="((?:kind|value|was|account)-\d+)" value="([^"]*)"', text))
    return {name: unescape(value) for name, value in fields.items()}


def _place(form: dict[str, str], kind: str, value: str) -> str:
    return next(
        name.removeprefix("kind-")
        for name, one in form.items()
        if name.startswith("kind-") and one == kind and form[f"value-{name.removeprefix('kind-')}"] == value
    )


async def test_accounts_are_tried_kept_and_taken_back(gateway: Gateway, admin: Browser, viewer: Browser) -> None:
    spent(gateway.ledger, "a", category='Food "& drink')
    with gateway.ledger.session() as session:
        set_account(OWNER, AccountRule("", "payment_method", "card", "Assets:Giro"), session=session)
    form = _form((await viewer.client.get(f"{ACCOUNTS}?target=ledger")).text)
    place = _place(form, "category", 'Food "& drink')
    form |= {f"account-{place}": "Expenses:Groceries", f"account-{_place(form, 'tax', '19')}": "Assets:VAT"}
    tried = await post(admin, ACCOUNTS, target="ledger", what="preview", **form)
    assert "nothing is kept yet" in tried
    for told in ("Expenses:Groceries  10.50 EUR", "Assets:VAT  2.00 EUR", "Assets:Giro  -12.50 EUR"):
        assert told in tried
    with gateway.ledger.session() as session:
        assert len(list_accounts(OWNER, session=session)) == 1
    # What was tried is in the form, still to be kept.
    form = _form(tried.replace('Food "& drink', "Food &#34;&amp; drink"))
    assert form[f"account-{place}"] == "Expenses:Groceries"
    assert "2 changed." in await post(admin, ACCOUNTS, target="ledger", what="save", **form)
    assert "0 changed." in await post(admin, ACCOUNTS, target="ledger", what="save", **_form(
        (await admin.client.get(f"{ACCOUNTS}?target=ledger")).text))  # fmt: skip
    for_all = (await viewer.client.get(ACCOUNTS)).text
    assert "Expenses:Groceries" not in for_all and "Assets:Giro" in for_all
    form = _form((await admin.client.get(f"{ACCOUNTS}?target=ledger")).text) | {f"account-{place}": ""}
    await post(admin, ACCOUNTS, target="ledger", what="save", **form, known="Assets:Giro\n Assets:VAT \n")
    with gateway.ledger.session() as session:
        rules = {(one.kind, one.value, one.account) for one in list_accounts(OWNER, "ledger", session=session)}
    assert rules == {
        ("payment_method", "card", "Assets:Giro"),
        ("tax", "19", "Assets:VAT"),
        ("known", "Assets:Giro", "Assets:Giro"),
        ("known", "Assets:VAT", "Assets:VAT"),
    }
    refused = unescape((await admin.client.get(f"{ACCOUNTS}?target=ledger")).text)
    assert "which is none of the accounts that there are" in refused


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"target": "paper"}, "there is no export target"),
        ({"kind-0": "colour", "value-0": "x", "account-0": "A"}, "colour"),
        ({"new-kind": "tax", "new-value": "much", "new-account": "A"}, "no tax rate"),
        ({"new-kind": "category", "new-value": "x\ny", "new-account": "A"}, "without line breaks"),
        ({"kind-0": "currency", "value-0": "", "account-0": "euro"}, "ISO 4217"),
    ],
)
@pytest.mark.parametrize("what", ["save", "preview"])
async def test_accounts_that_cannot_be_are_named(
    gateway: Gateway, admin: Browser, fields: dict[str, str], told: str, what: str
) -> None:
    answer = await admin.client.post(ACCOUNTS, data={"csrf": admin.token, "what": what} | fields)
    assert answer.status_code in {404, 422} and told in unescape(answer.text)
    with gateway.ledger.session() as session:
        assert list_accounts(OWNER, session=session) == []


async def test_every_target_shows_what_it_would_be_told(gateway: Gateway, viewer: Browser) -> None:
    spent(gateway.ledger, "a", total=Decimal("3.21"))
    for target in ("csv", "ofx", "qif", "firefly-csv", "beancount", "ledger", "hledger", "actual", "firefly", ""):
        answer = await viewer.client.get(f"{ACCOUNTS}?target={target}")
        assert answer.status_code == 200 and "3.21" in answer.text, target
