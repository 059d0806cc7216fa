"""People in browsers for the tests of pages: `admin`, `reviewer` and `viewer` of anna's; bert's admin, a `stranger`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache

import httpx
import pytest
from argon2 import PasswordHasher
from gateway_helpers import Gateway, client_of
from sqlalchemy import text

from flows.ledger.access import PersonView, Role, add_person, make_link

PASSWORD = "correct horse battery"


@dataclass
class Browser:
    """A signed-in person. `token` is what their forms carry."""

    client: httpx.AsyncClient
    person: PersonView
    token: str


def browser_of(gateway: Gateway) -> httpx.AsyncClient:
    """A browser that nobody has signed in with."""
    return client_of(gateway.url, timeout=60)


async def sign_in(gateway: Gateway, person: PersonView) -> Browser:
    """A browser that this person signs in with, by password."""
    return await _signed_in(gateway, person, {"name": person.name, "password": PASSWORD})


async def _signed_in(gateway: Gateway, person: PersonView, given: dict[str, str]) -> Browser:
    client = browser_of(gateway)
    answer = await client.post("/app/sign-in", data=given)
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
    """By a link: passwords cost what they are to cost, which is too much for each test."""
    with gateway.ledger.session() as session:
        made = add_person(owner, name, role, session=session)
        values = {"hash": _hashed(), "id": made.id}
        session.execute(text("UPDATE people SET password_hash = :hash WHERE id = :id"), values)
        person, code = make_link(made.id, session=session)
    browser = await _signed_in(gateway, person, {"code": code})
    yield browser
    await browser.client.aclose()


@cache
def _hashed() -> str:
    return PasswordHasher().hash(PASSWORD)


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
