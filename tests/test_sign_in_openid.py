"""Signing in with an OpenID provider: a real one (authlib's server) vouches, and what does not fit lets nobody in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import httpx
import oidc_provider_mock
import pytest
from gateway_helpers import Gateway, free_port
from page_helpers import browser_of
from pydantic import SecretStr

from flows.ledger.access import Role, add_person, disable_person, get_person, list_people

pytest_plugins = ["gateway_helpers"]
Start = Callable[..., AbstractAsyncContextManager[Gateway]]
ANNA = {"email": "anna@books.example", "email_verified": True, "preferred_username": "anna"}
USERS = {
    "anna-1": ANNA,
    "anna-2": ANNA,
    "unverified": {"email": "anna@books.example"},
    "elsewhere": {"email": "anna@evil.example", "email_verified": True},
    "nameless": {"preferred_username": " "},
}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The issuer of a running provider."""
    users = [oidc_provider_mock.User(sub=sub, claims=claims) for sub, claims in USERS.items()]
    with oidc_provider_mock.run_server_in_thread(require_nonce=True, user_claims=users) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def start(start_gateway: Start, provider: str) -> Start:
    """Starts gateways that know the provider."""

    @asynccontextmanager
    async def starting(**changes: Any) -> Any:
        mine = {"oidc_issuer": provider, "oidc_client_id": "books", "oidc_client_secret": SecretStr("s: of %books")}
        async with start_gateway(**(mine | changes)) as gateway:
            yield gateway

    return starting


async def authorized(client: httpx.AsyncClient, sub: str, wanted: str = "/app/expenses") -> str:
    """The address that the provider sends this browser back to, once it has said who it is."""
    begun = await client.get(f"/app/sign-in/openid?next={quote(wanted)}")
    assert begun.status_code == 303, begun.text
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert {len(asked[name][0]) >= 43 for name in ("state", "nonce", "code_challenge")} == {True}
    async with httpx.AsyncClient() as elsewhere:
        answer = await elsewhere.post(begun.headers["location"], data={"sub": sub})
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])


async def signs_in(gateway: Gateway, sub: str) -> tuple[int, str]:
    """What a new browser is answered at the end, and where it is sent or what it reads."""
    async with browser_of(gateway) as client:
        answer = await client.get(await authorized(client, sub))
        return answer.status_code, answer.headers.get("location", answer.text)


async def test_a_person_is_known_by_their_verified_email_and_then_by_who_they_are(start: Start) -> None:
    async with start() as gateway, browser_of(gateway) as client:
        assert "/app/sign-in/openid?next=" in (await client.get("/app/sign-in?next=/app/expenses")).text
        assert "nobody here is named" in (await signs_in(gateway, "anna-1"))[1]
        with gateway.ledger.session() as session:
            add_person("anna", "anna@books.example", Role.REVIEWER, session=session)
        answer = await client.get(await authorized(client, "anna-1"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/app/expenses")
        assert (await client.get("/app/review")).status_code == 200
        # Who gets that address at the provider later is somebody else.
        status, said = await signs_in(gateway, "anna-2")
        assert (status, "somebody else at the provider" in said) == (422, True)
        with gateway.ledger.session() as session:
            add_person("anna", "Other admin", Role.ADMIN, session=session)
            disable_person(get_person("anna@books.example", session=session).id, session=session)
        assert (await client.get("/app/review")).status_code == 303
        assert "is disabled" in (await signs_in(gateway, "anna-1"))[1]


async def test_unknown_people_become_viewers_where_an_owner_is_named(start: Start) -> None:
    async with start(oidc_new_people="books") as gateway:
        assert (await signs_in(gateway, "anna-1"))[0] == 303
        assert (await signs_in(gateway, "anna-1"))[0] == 303
        with gateway.ledger.session() as session:
            people = [(one.owner, one.name, one.role) for one in list_people(session=session)]
    assert people == [("books", "anna@books.example", Role.VIEWER)]


_NEW, _MINE = {"oidc_new_people": "books"}, {"oidc_domains": ["books.example"]}


@pytest.mark.parametrize(("settings", "refusals"), [
    (_NEW | _MINE, {"unverified": "email_verified", "elsewhere": "none of the domains"}),
    (_NEW | {"oidc_claim": "preferred_username"}, {"nameless": "does not tell your preferred_username"}),
])  # fmt: skip
async def test_who_does_not_fit_stays_out(start: Start, settings: dict[str, Any], refusals: dict[str, str]) -> None:
    async with start(**settings) as gateway:
        for sub, said in refusals.items():
            status, text = await signs_in(gateway, sub)
            assert (status, said in text) == (422, True), text
        with gateway.ledger.session() as session:
            assert list_people(session=session) == []


async def test_an_answer_fits_one_browser_and_one_try(start: Start) -> None:
    async with start(oidc_new_people="books") as gateway, browser_of(gateway) as mine, browser_of(gateway) as other:
        address = await authorized(mine, "anna-1")
        assert "began no sign-in" in (await other.get(address)).text
        await authorized(other, "anna-1")
        assert "belongs to another try" in (await other.get(address)).text
        wrong_issuer = await mine.get(f"{await authorized(mine, 'anna-1')}&iss=https://evil.example")
        assert "another provider" in wrong_issuer.text
        # A token that was made for another try: its nonce is another one.
        address = await authorized(mine, "anna-1")
        kept = json.loads(unquote(mine.cookies["receiptflow_openid"]))
        forged = quote(json.dumps(kept | {"nonce": "n" * 43}), safe="")
        assert "does not hold" in (await browser_with(gateway, forged, address)).text
        assert (await mine.get(address)).status_code == 422  # the code was used by that
        refused = await mine.get(f"/app/sign-in/openid/back?error=access_denied&state={kept['state']}")
        assert "began no sign-in" in refused.text


async def browser_with(gateway: Gateway, cookie: str, address: str) -> httpx.Response:
    async with browser_of(gateway) as client:
        return await client.get(address, headers={"Cookie": f"receiptflow_openid={cookie}"})


async def test_another_site_is_no_page_to_go_to(start: Start) -> None:
    async with start(oidc_new_people="books") as gateway, browser_of(gateway) as client:
        answer = await client.get(await authorized(client, "anna-1", "https://evil.example/app/"))
        assert answer.headers["location"] == "/app/"
        assert "HttpOnly" in answer.headers["set-cookie"]


async def test_the_browser_goes_to_the_public_address_first_and_only_once(start: Start) -> None:
    async with start(public_url="https://receipts.example") as gateway:
        moved = await gateway.nobody.get("/app/sign-in/openid?next=/app/expenses")
        public = "https://receipts.example/app/sign-in/openid"
        assert moved.headers["location"] == f"{public}?moved=true&next=%2Fapp%2Fexpenses"
        begun = await gateway.nobody.get("/app/sign-in/openid?moved=true")  # a proxy hides the public address
        assert f"redirect_uri={quote(public + '/back', safe='')}" in begun.headers["location"]
        assert "Secure" in begun.headers["set-cookie"]


async def test_a_provider_that_is_away_or_another_is_said(start: Start, start_gateway: Start, provider: str) -> None:
    async with start(oidc_issuer=f"http://localhost:{free_port()}") as gateway:
        away = await gateway.nobody.get("/app/sign-in/openid")
        assert (away.status_code, "sign in with your password" in away.text) == (503, True)
    async with start(oidc_issuer=f"{provider}/") as gateway:
        other = await gateway.nobody.get("/app/sign-in/openid")
        assert (other.status_code, "RECEIPTFLOW_OIDC_ISSUER" in other.text) == (422, True)
    async with start_gateway() as gateway:
        assert (await gateway.nobody.get("/app/sign-in/openid")).status_code == 404
        assert "sign-in/openid" not in (await gateway.nobody.get("/app/sign-in")).text
