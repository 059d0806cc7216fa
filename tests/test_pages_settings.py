"""People, keys, webhooks and categories: admins manage their own owner's, nobody else's; secrets are shown once."""

from __future__ import annotations

import re
from html import unescape
from uuid import uuid4

import pytest
from gateway_helpers import Gateway
from page_helpers import Browser, browser_of

from flows.ledger.access import Scope, create_key, find_key, get_person, list_keys, list_people
from flows.ledger.categories import list_categories

pytest_plugins = ["gateway_helpers", "page_helpers"]
_ADMIN_PAGES = ("people", "keys", "webhooks")


@pytest.mark.parametrize("page", _ADMIN_PAGES)
async def test_only_admins_manage(gateway: Gateway, reviewer: Browser, viewer: Browser, page: str) -> None:
    for browser in (reviewer, viewer):
        assert (await browser.client.get(f"/app/{page}")).status_code == 403
        assert (await browser.client.post(f"/app/{page}", data={"csrf": browser.token})).status_code == 403
        assert f'href="/app/{page}"' not in (await browser.client.get("/app/account")).text
    assert (await viewer.client.post("/app/categories", data={"csrf": viewer.token, "name": "X"})).status_code == 403


async def test_a_person_is_added_and_signs_in_by_the_link(gateway: Gateway, admin: Browser) -> None:
    form = {"csrf": admin.token, "name": "<b>Cy", "role": "viewer"}
    page = await admin.client.post("/app/people", data=form)
    assert "<b>Cy" not in page.text
    address = re.search(r'class="secret">([^<]+)<', page.text)
    assert address is not None
    assert address[1].startswith(f"{gateway.url}/app/sign-in#")
    assert "<svg" in page.text
    assert "style" not in page.text.split("<svg", 2)[2]
    async with browser_of(gateway) as client:
        answer = await client.post("/app/sign-in", data={"code": address[1]})
        assert answer.status_code == 303
        assert (await client.get("/app/receipts")).status_code == 200
    assert (await admin.client.post("/app/people", data=form)).status_code == 409
    wrong = await admin.client.post("/app/people", data=form | {"name": "Di", "role": "root"})
    assert (wrong.status_code, "choose one of" in wrong.text) == (422, True)


async def test_roles_links_and_disabling(gateway: Gateway, admin: Browser, viewer: Browser, stranger: Browser) -> None:
    path = f"/app/people/{viewer.person.id}"
    for action in ("role", "link", "disable", "enable"):
        data = {"csrf": stranger.token, "role": "admin"}
        assert (await stranger.client.post(f"{path}/{action}", data=data)).status_code == 404
    await admin.client.post(f"{path}/role", data={"csrf": admin.token, "role": "reviewer"})
    assert (await viewer.client.get("/app/review")).status_code == 200
    await admin.client.post(f"{path}/disable", data={"csrf": admin.token})
    assert (await viewer.client.get("/app/receipts")).status_code == 303
    await admin.client.post(f"{path}/enable", data={"csrf": admin.token})
    own = await admin.client.post(f"/app/people/{admin.person.id}/disable", data={"csrf": admin.token})
    assert own.status_code == 409
    assert "last admin" in own.text
    with gateway.ledger.session() as session:
        assert get_person(viewer.person.id, session=session).disabled_at is None
        assert len(list_people(owner="bert", session=session)) == 1


async def test_a_key_for_everything_does_not_reach_beyond_its_owner(gateway: Gateway, admin: Browser) -> None:
    await admin.client.post("/app/keys", data={"csrf": admin.token, "kind": "all", "name": "all", "days": "7"})
    with gateway.ledger.session() as session:
        made = next(key for key in list_keys(owner="anna", session=session) if key.name == "all")
    assert set(made.scopes) == set(Scope) - {Scope.OPERATOR}


async def test_a_key_for_a_phone_hands_in_only_and_is_revoked(gateway: Gateway, admin: Browser) -> None:
    page = await admin.client.post(
        "/app/keys", data={"csrf": admin.token, "kind": "upload", "name": "phone", "days": "7"}
    )
    secret = re.search(r'class="secret">(rf_[\w-]+)<', page.text)
    assert secret is not None
    assert secret[1] not in (await admin.client.get("/app/keys")).text
    with gateway.ledger.session() as session:
        key = find_key(secret[1], session=session)
        others = create_key("bert", "his", [], session=session)[0]
    assert key is not None
    assert (key.scopes, key.owner, key.expires_at is not None) == (["upload"], "anna", True)
    foreign = await admin.client.post(f"/app/keys/{others.id}/revoke", data={"csrf": admin.token})
    unknown = await admin.client.post(f"/app/keys/{uuid4()}/revoke", data={"csrf": admin.token})
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    await admin.client.post(f"/app/keys/{key.id}/revoke", data={"csrf": admin.token})
    with gateway.ledger.session() as session:
        revoked = {one.id: one.revoked_at is not None for one in list_keys(session=session)}
    assert (revoked[key.id], revoked[others.id]) == (True, False)


@pytest.mark.parametrize("change", [{"kind": "root"}, {"days": "-1"}, {"days": "4000"}, {"days": "x"}])
async def test_a_key_that_cannot_be_is_refused(gateway: Gateway, admin: Browser, change: dict[str, str]) -> None:
    answer = await admin.client.post("/app/keys", data={"csrf": admin.token, "kind": "read"} | change)
    assert answer.status_code == 422


async def test_webhooks_are_made_shown_and_deleted(gateway: Gateway, admin: Browser, stranger: Browser) -> None:
    form = {"csrf": admin.token, "url": "http://127.0.0.1:9/hook", "kind-expense.ready": "1"}
    page = await admin.client.post("/app/webhooks", data=form)
    assert "whsec_" in page.text
    listed = (await admin.client.get("/app/webhooks")).text
    assert "whsec_" not in listed
    found = re.search(r"/app/webhooks/([0-9a-f-]{36})\"", listed)
    assert found is not None
    path = f"/app/webhooks/{found[1]}"
    assert "Nothing was delivered yet." in (await admin.client.get(path)).text
    assert (await stranger.client.get(path)).status_code == 404
    assert (await stranger.client.post(f"{path}/delete", data={"csrf": stranger.token})).status_code == 404
    replay = await admin.client.post(f"{path}/deliveries/{uuid4()}/replay", data={"csrf": admin.token})
    assert replay.status_code == 404
    assert (await admin.client.post(f"{path}/delete", data={"csrf": admin.token})).status_code == 303
    assert (await admin.client.get(path)).status_code == 404
    for url in ("", "ftp://x", "javascript:alert(1)", "http://" + "x" * 3000):
        assert (await admin.client.post("/app/webhooks", data=form | {"url": url})).status_code == 422


async def test_categories_are_made_renamed_merged_and_archived(
    gateway: Gateway, admin: Browser, stranger: Browser
) -> None:
    await admin.client.post("/app/categories", data={"csrf": admin.token, "name": "<i>Toys"})
    page = (await admin.client.get("/app/categories")).text
    assert "<i>Toys" in unescape(page)
    assert "<i>Toys" not in page
    with gateway.ledger.session() as session:
        by_name = {one.name: one.id for one in list_categories("anna", session=session)}
    path = f"/app/categories/{by_name['<i>Toys']}"
    for action, data in (("rename", {"name": "X"}), ("merge", {"into": str(by_name["Fuel"])}), ("archive", {})):
        theirs = await stranger.client.post(f"{path}/{action}", data=data | {"csrf": stranger.token})
        assert theirs.status_code == 404
    assert (await admin.client.post(f"{path}/merge", data={"csrf": admin.token, "into": "x"})).status_code == 422
    await admin.client.post(f"{path}/rename", data={"csrf": admin.token, "name": "Games"})
    await admin.client.post(f"{path}/archive", data={"csrf": admin.token})
    with gateway.ledger.session() as session:
        assert "Games" not in {one.name for one in list_categories("anna", session=session)}
    taken = await admin.client.post("/app/categories", data={"csrf": admin.token, "name": "FUEL"})
    assert taken.status_code == 409


async def test_rules_are_shown_and_switched_by_their_owner_only(
    gateway: Gateway, admin: Browser, viewer: Browser, stranger: Browser
) -> None:
    assert "None yet" in (await admin.client.get("/app/rules")).text
    for browser, status in ((stranger, 404), (viewer, 403), (admin, 404)):
        answer = await browser.client.post("/app/rules/7/switch", data={"csrf": browser.token, "disabled": "1"})
        assert answer.status_code == status
    for path in ("x/switch", f"{10**30}/switch", f"{10**30}/remove"):
        assert (await admin.client.post(f"/app/rules/{path}", data={"csrf": admin.token})).status_code == 422, path
