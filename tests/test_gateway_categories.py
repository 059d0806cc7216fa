"""Categories and rules over HTTP: listed with a reading key, changed with an admin's, each owner's own."""

from __future__ import annotations

import httpx
from gateway_helpers import Gateway, key_of
from ledger_helpers import expensed

from flows.ledger.access import Scope
from flows.ledger.decisions import Book, decide
from flows.ledger.schema import Via
from flows.ledger.values import Actor

pytest_plugins = ["gateway_helpers"]


async def test_categories_are_made_renamed_merged_and_archived(gateway: Gateway) -> None:
    expensed(gateway.ledger)
    anna = gateway.anna
    made = (await anna.post("/categories", json={"name": "Lunches"})).json()
    renamed = await anna.patch(f"/categories/{made['id']}", json={"name": "Client lunches"})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Client lunches")
    assert (await anna.patch(f"/categories/{made['id']}", json={"archived": True})).json()["archived_at"]
    assert "Client lunches" not in [one["name"] for one in (await anna.get("/categories")).json()]
    listed = {one["name"]: one["id"] for one in (await anna.get("/categories?archived=true")).json()}
    merged = await anna.post(f"/categories/{made['id']}/merge", json={"into": listed["Eating out"]})
    assert merged.json()["name"] == "Eating out"
    sums = (await anna.get("/expenses/sums?by=category")).json()["items"]
    assert sums == [{"key": None, "count": 1, "totals": {"EUR": "12.50"}, "home_total": None, "unconverted": 0}]
    assert len((await anna.get("/expenses?category=")).json()["items"]) == 1


async def test_what_cannot_be_is_refused_with_its_reason(gateway: Gateway) -> None:
    made = (await gateway.anna.post("/categories", json={"name": "Lunches"})).json()
    for answer, status in (
        (await gateway.anna.post("/categories", json={"name": "!!"}), 422),
        (await gateway.anna.post("/categories", json={"name": "x" * 300}), 422),
        (await gateway.anna.post("/categories", json={"name": "lunches"}), 409),
        (await gateway.anna.post(f"/categories/{made['id']}/merge", json={"into": made["id"]}), 422),
        (await gateway.bert.patch(f"/categories/{made['id']}", json={"name": "Mine"}), 404),
        (await gateway.nobody.get("/categories"), 401),
    ):
        assert answer.status_code == status, answer.text
    key = key_of(gateway.ledger, "anna", Scope.READ)
    async with httpx.AsyncClient(base_url=gateway.url, headers={"Authorization": f"Bearer {key}"}) as reader:
        assert (await reader.get("/categories")).status_code == 200
        assert (await reader.post("/categories", json={"name": "More"})).status_code == 403


async def test_rules_are_shown_and_switched_off_by_their_owner(gateway: Gateway) -> None:
    attempt = expensed(gateway.ledger)
    with gateway.ledger.session() as session:
        decide(attempt.receipt_id, Book({"merchant": "Aldi"}), Actor("anna", Via.API), session=session)
    (rule,) = (await gateway.anna.get("/rules?kind=merchant")).json()
    assert (rule["identity_kind"], rule["result"], rule["made_by"]) == ("name", "Aldi", "anna")
    off = await gateway.anna.patch(f"/rules/{rule['id']}", json={"disabled": True})
    assert (off.status_code, off.json()["disabled"]) == (200, True)
    assert (await gateway.bert.get("/rules")).json() == []
    for answer, status in (
        (await gateway.bert.patch(f"/rules/{rule['id']}", json={"disabled": False}), 404),
        (await gateway.anna.patch(f"/rules/{10**30}", json={"disabled": False}), 422),
        (await gateway.anna.patch("/rules/0", json={"disabled": "perhaps"}), 422),
    ):
        assert answer.status_code == status, answer.text


async def test_a_rule_is_made_and_removed_by_an_admins_hand(gateway: Gateway) -> None:
    wanted = {"kind": "category", "printed": "Corner Shop", "result": "groceries"}
    made = await gateway.anna.post("/rules", json=wanted)
    assert (made.status_code, made.json()["result"], made.json()["by_hand"]) == (201, "Groceries", True)
    assert (await gateway.anna.post("/rules", json=wanted)).json()["id"] == made.json()["id"]
    reader = {"Authorization": f"Bearer {key_of(gateway.ledger, 'anna', Scope.READ, Scope.REVIEW)}"}
    rule = f"/rules/{made.json()['id']}"
    for answer, status in (
        (await gateway.anna.post("/rules", json=wanted | {"result": "nothing such"}), 422),
        (await gateway.anna.post("/rules", json=wanted | {"printed": "x" * 501}), 422),
        (await gateway.anna.post("/rules", json=wanted | {"kind": "total"}), 422),
        (await gateway.nobody.post("/rules", json=wanted, headers=reader), 403),
        (await gateway.nobody.delete(rule, headers=reader), 403),
        (await gateway.bert.delete(rule), 404),
        (await gateway.anna.delete(rule), 204),
        (await gateway.anna.delete(rule), 404),
    ):
        assert answer.status_code == status, answer.text
