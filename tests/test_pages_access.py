"""Who sees and does what on the pages: sign-in, roles, strangers, forms from elsewhere, headers; all are tried."""

from __future__ import annotations

import hashlib
import re
from html import unescape
from importlib.resources import files
from itertools import product
from urllib.parse import quote
from uuid import uuid4

import pytest
from gateway_helpers import Gateway, early_in_window
from page_helpers import PASSWORD, Browser, browser_of, sign_in
from starlette.routing import Route

from deployments.gateway.web.pages import ROUTES
from deployments.gateway.web.visitor import safe_path
from flows.ledger.access import Role, add_person, disable_person, make_link, set_password

pytest_plugins = ["gateway_helpers", "page_helpers"]
# They tell nothing of anybody; sharing has tests of its own.
_OPEN = {
    "/sign-in",
    "/manifest.webmanifest",
    "/service-worker.js",
    "/offline",
    "/share",
    "/certificate",
    "/sign-in/openid",
    "/sign-in/openid/back",
}
# By what they are about: a gateway for each.
_ROUTES = {
    module.__name__.removeprefix("deployments.gateway.web."): [
        (method, route.path)
        for route in module.router.routes
        if isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]
    for module in ROUTES
}
_IDS = {"receipt_id", "session_id", "webhook_id", "delivery_id", "key_id", "person_id", "category_id", "filter_id"}


def _filled(path: str) -> str:
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: str(uuid4()) if found[1] in _IDS else "rf-nothing", path)


@pytest.mark.parametrize("noun", _ROUTES)
async def test_nobody_unknown_gets_in(gateway: Gateway, noun: str) -> None:
    closed = [(method, path) for method, path in _ROUTES[noun] if path not in _OPEN]
    for (method, path), cookie in product(closed, ("", "x", "x" * 5000, "ä")):
        cookies = {"Cookie": f"receiptflow_session={quote(cookie)}"} if cookie else {}
        answer = await gateway.nobody.request(method, f"/app{_filled(path)}", headers=cookies)
        assert answer.status_code == 303, (method, path, answer.text)
        assert answer.headers["location"].startswith("/app/sign-in?next=%2Fapp")


@pytest.mark.parametrize("noun", [noun for noun, routes in _ROUTES.items() if "POST" in dict(routes)])
async def test_a_form_from_elsewhere_changes_nothing(gateway: Gateway, admin: Browser, noun: str) -> None:
    for path in [path for method, path in _ROUTES[noun] if method == "POST"]:
        await _refused_from_elsewhere(admin, path)


async def _refused_from_elsewhere(admin: Browser, path: str) -> None:
    filled = f"/app{_filled(path)}"
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
                    {"Origin": "null"}):  # fmt: skip
        answer = await admin.client.post(filled, data={"csrf": admin.token}, headers=headers)
        assert answer.status_code == 403, (path, headers, answer.text)
    if path in {"/sign-in", "/hand-in", "/share"}:  # nobody is signed in; files have a test of their own
        return
    for data in ({}, {"csrf": ""}, {"csrf": "0" * 64}):
        answer = await admin.client.post(filled, data=data)
        assert answer.status_code == 403, (path, data, answer.text)
        assert "comes from another page" in answer.text


async def test_a_link_signs_in_once_and_the_session_is_ended(gateway: Gateway) -> None:
    with gateway.ledger.session() as session:
        person = add_person("anna", "Anna", Role.ADMIN, session=session)
        code = make_link(person.id, session=session)[1]
    async with browser_of(gateway) as client:
        answer = await client.post(
            "/app/sign-in", data={"code": f"http://x/app/sign-in#{code}", "next": "/app/account"}
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/app/account")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/app" in cookie
        assert "Secure" not in cookie  # this is loopback
        page = (await client.get("/app/account")).text
        token = re.search(r'name="csrf" value="(\w+)"', page)
        assert token is not None
        assert (await client.post("/app/sign-out", data={"csrf": token[1]})).headers["location"] == "/app/sign-in"
        assert (await client.get("/app/account")).status_code == 303
        again = await client.post("/app/sign-in", data={"code": code})
        assert again.status_code == 422
        assert "used already" in again.text


async def test_the_cookie_is_secure_off_loopback(gateway: Gateway) -> None:
    with gateway.ledger.session() as session:
        code = make_link(add_person("anna", "Anna", Role.ADMIN, session=session).id, session=session)[1]
    answer = await gateway.nobody.post("/app/sign-in", data={"code": code}, headers={"Host": "books.example"})
    assert "Secure" in answer.headers["set-cookie"]
    page = await gateway.nobody.get("/app/sign-in", headers={"Host": "books.example"})
    assert "not encrypted" in page.text


async def test_wrong_passwords_are_refused_for_a_while(gateway: Gateway) -> None:
    with gateway.ledger.session() as session:
        person = add_person("anna", "Anna", Role.ADMIN, session=session)
        set_password(person.id, PASSWORD, session=session)
    await early_in_window(600, needs=30)
    for _ in range(8):
        answer = await gateway.nobody.post("/app/sign-in", data={"name": "anna", "password": "wrong"})
        assert answer.status_code == 422
        assert "Name or password is wrong" in answer.text
    locked = await gateway.nobody.post("/app/sign-in", data={"name": "ANNA", "password": PASSWORD})
    assert locked.status_code == 429
    assert "wait" in locked.text
    # Another name from the same address may still sign in.
    with gateway.ledger.session() as session:
        set_password(add_person("anna", "Bea", Role.VIEWER, session=session).id, PASSWORD, session=session)
    other = await gateway.nobody.post("/app/sign-in", data={"name": "bea", "password": PASSWORD})
    assert other.status_code == 303


async def test_who_is_disabled_is_out_with_the_next_request(gateway: Gateway, admin: Browser) -> None:
    with gateway.ledger.session() as session:
        add_person("anna", "Second", Role.ADMIN, session=session)
        disable_person(admin.person.id, session=session)
    assert (await admin.client.get("/app/account")).status_code == 303


async def test_a_password_needs_the_last_one_and_signs_others_out(gateway: Gateway, admin: Browser) -> None:
    other = await sign_in(gateway, admin.person)
    form = {"csrf": admin.token, "new": "a new one of mine", "again": "a new one of mine"}
    wrong = await admin.client.post("/app/account/password", data=form | {"current": "wrong"})
    assert wrong.status_code == 422
    unlike = await admin.client.post("/app/account/password", data=form | {"again": "x", "current": PASSWORD})
    assert unlike.status_code == 422
    right = await admin.client.post("/app/account/password", data=form | {"current": PASSWORD})
    assert right.status_code == 303
    assert (await admin.client.get("/app/account")).status_code == 200
    assert (await other.client.get("/app/account")).status_code == 303
    await other.client.aclose()


async def test_sessions_of_others_cannot_be_ended(gateway: Gateway, admin: Browser, stranger: Browser) -> None:
    page = (await admin.client.get("/app/account")).text
    mine = await sign_in(gateway, admin.person)
    other = set(re.findall(r"/account/sessions/([\w-]+)/end", (await admin.client.get("/app/account")).text))
    assert len(other) == 1
    assert other.isdisjoint(re.findall(r"/account/sessions/([\w-]+)/end", page))
    path = f"/app/account/sessions/{other.pop()}/end"
    assert (await stranger.client.post(path, data={"csrf": stranger.token})).status_code == 404
    assert (await mine.client.get("/app/account")).status_code == 200
    assert (await admin.client.post(path, data={"csrf": admin.token})).status_code == 303
    assert (await mine.client.get("/app/account")).status_code == 303
    await mine.client.aclose()


async def test_pages_speak_the_persons_language_and_say_so(gateway: Gateway, admin: Browser) -> None:
    assert '<html lang="en">' in (await admin.client.get("/app/account")).text
    asked = await admin.client.get("/app/account", headers={"Accept-Language": "fr-CH, de;q=0.8, en;q=0.1"})
    assert '<html lang="de">' in asked.text
    await admin.client.post("/app/account/language", data={"csrf": admin.token, "language": "de"})
    assert '<html lang="de">' in (await admin.client.get("/app/account")).text
    await admin.client.post("/app/account/language", data={"csrf": admin.token, "language": "<script>"})
    assert '<html lang="en">' in (await admin.client.get("/app/account")).text


@pytest.mark.parametrize("path", ["/app/sign-in", "/app/account", "/app/nothing-here"])
async def test_pages_have_strict_headers(gateway: Gateway, admin: Browser, path: str) -> None:
    answer = await admin.client.get(path) if path != "/app/sign-in" else await gateway.nobody.get(path)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-cache"
    text = answer.text
    assert not re.search(r"<style|style=|<script(?![^>]* src=)|\son\w+=|javascript:", text)
    assert "//" not in text.replace("<!doctype", "").replace("admin//", "")


async def test_files_are_kept_for_ever_under_their_hash(gateway: Gateway) -> None:
    page = (await gateway.nobody.get("/app/sign-in")).text
    addresses = set(re.findall(r'"(/app/static/[^"#]+)', page))
    assert len(addresses) >= 4
    for address in addresses:
        answer = await gateway.nobody.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    stale = await gateway.nobody.get("/app/static/0000000000000000/static/app.css")
    assert stale.headers["cache-control"] == "no-cache"
    for wrong in ("static/../pages.py", "pages.py", "base/layout.html", "..%2f..%2fapp.py"):
        assert (await gateway.nobody.get(f"/app/static/0/{wrong}")).status_code in {404, 303}


@pytest.mark.parametrize(("path", "safe"), [
    ("/app/review?x=1&y=%C3%A4", "/app/review?x=1&y=%C3%A4"), ("//evil.example/app/", "/app/"),
    ("https://evil.example", "/app/"),
    ("/app/\\evil", "/app/"), ("/app/\r\nSet-Cookie: a=b", "/app/"), ("", "/app/"), ("/app", "/app/"),
])  # fmt: skip
def test_signing_in_leads_to_our_own_pages_only(path: str, safe: str) -> None:
    assert safe_path(path) == safe


async def test_the_documentation_asks_no_other_host(gateway: Gateway) -> None:
    page = await gateway.nobody.get("/docs")
    assert page.status_code == 200
    assert "//" not in re.sub("<!doctype html>", "", page.text)
    assert "connect-src 'self'" in page.headers["content-security-policy"]
    for address in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        answer = await gateway.nobody.get(address)
        assert answer.status_code == 200
        assert answer.content
    assert (await gateway.nobody.get("/docs/nothing.js")).status_code == 404


async def test_the_root_leads_to_the_pages(gateway: Gateway) -> None:
    answer = await gateway.nobody.get("/")
    assert answer.headers["location"] == "/app/"


async def test_an_error_is_a_page_with_what_to_do(gateway: Gateway, admin: Browser) -> None:
    answer = await admin.client.get("/app/<script>alert(1)</script>")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
    assert "There is no such page." in unescape(answer.text)


async def test_the_keys_of_programs_do_not_open_pages_nor_sessions_the_api(gateway: Gateway, admin: Browser) -> None:
    assert (await gateway.anna.get("/app/account")).status_code == 303
    secret = admin.client.cookies.get("receiptflow_session")
    assert secret
    for headers in ({"Cookie": f"receiptflow_session={secret}"}, {"Authorization": f"Bearer {secret}"}):
        assert (await gateway.nobody.get("/receipts", headers=headers)).status_code == 401


def test_the_only_code_of_others_is_as_it_was_published() -> None:
    """htmx 2.0.11 as on npm (dist/htmx.min.js), with its licence beside it."""
    folder = files("deployments.gateway.web").joinpath("static")
    digest = hashlib.sha256(folder.joinpath("htmx-2.0.11.min.js").read_bytes()).hexdigest()
    assert digest == "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"
    assert "Zero-Clause BSD" in folder.joinpath("htmx-LICENSE.txt").read_text(encoding="utf-8")
