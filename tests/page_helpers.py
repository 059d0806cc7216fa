"""People in browsers for the tests of pages: `admin`, `reviewer` and `viewer` of anna's; bert's admin, a `stranger`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
from gateway_helpers import Gateway

from flows.ledger.access import PersonView, Role, add_person, set_password

PASSWORD = "correct horse battery"


@dataclass
class Browser:
    """A signed-in person. `token` is what their forms carry."""

    client: httpx.AsyncClient
    person: PersonView
    token: str


def browser_of(gateway: Gateway) -> httpx.AsyncClient:
    """A browser that nobody has signed in with."""
    return httpx.AsyncClient(base_url=gateway.url, timeout=60)


async def sign_in(gateway: Gateway, person: PersonView) -> Browser:
    """A browser that this person signs in with, by password."""
    client = browser_of(gateway)
    answer = await client.post("/app/sign-in", data={"name": person.name, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    found = re.search(r'name="csrf" value="(\w+)"', (await client.get("/app/account")).text)
    assert found is not None
    return Browser(client, person, found[1])


@asynccontextmanager
async def signed_in(gateway: Gateway, owner: str = "anna", role: Role = Role.ADMIN) -> AsyncIterator[Browser]:
    """A new person of this owner and role, signed in at this gateway."""
    async for browser in _browser(gateway, owner, f"{owner} {role.value}", role):
        yield browser


async def _browser(gateway: Gateway, owner: str, name: str, role: Role) -> AsyncIterator[Browser]:
    with gateway.ledger.session() as session:
        person = add_person(owner, name, role, session=session)
        person = set_password(person.id, PASSWORD, session=session)
    browser = await sign_in(gateway, person)
    yield browser
    await browser.client.aclose()


@pytest.fixture
async def admin(gateway: Gateway) -> AsyncIterator[Browser]:
    """Anna's admin."""
    async for browser in _browser(gateway, "anna", "Ada", Role.ADMIN):
        yield browser


@pytest.fixture
async def reviewer(gateway: Gateway) -> AsyncIterator[Browser]:
    """Anna's reviewer."""
    async for browser in _browser(gateway, "anna", "Rea", Role.REVIEWER):
        yield browser


@pytest.fixture
async def viewer(gateway: Gateway) -> AsyncIterator[Browser]:
    """Anna's viewer."""
    async for browser in _browser(gateway, "anna", "Vera", Role.VIEWER):
        yield browser


@pytest.fixture
async def stranger(gateway: Gateway) -> AsyncIterator[Browser]:
    """Bert's admin."""
    async for browser in _browser(gateway, "bert", "Bo", Role.ADMIN):
        yield browser
