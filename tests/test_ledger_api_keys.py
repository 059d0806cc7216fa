"""API keys: shown once, kept as a hash, refused when unknown, expired or revoked; `receiptflow keys` manages them."""

from __future__ import annotations

import datetime as dt
import json

import psycopg
import pytest
from typer.testing import CliRunner

from deployments.cli.app import app
from flows.ledger.access import Scope, create_key, find_key, list_keys, revoke_key
from flows.ledger.database import Ledger, open_ledger
from flows.ledger.migrate import upgrade


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    upgrade(database_url)
    return open_ledger(database_url)


def test_a_key_is_found_by_its_secret_and_kept_as_a_hash_only(ledger: Ledger, database_url: str) -> None:
    with ledger.session() as session:
        key, secret = create_key("acme", "phone", [Scope.UPLOAD], session=session)
    with ledger.session() as session:
        found = find_key(secret, session=session)
        assert find_key(secret + "x", session=session) is None
    assert found is not None
    assert (found.id, found.owner, found.scopes) == (key.id, "acme", ["upload"])
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        kept = connection.execute("SELECT * FROM api_keys").fetchall()
    assert secret not in repr(kept)


def test_expired_and_revoked_keys_are_not_usable(ledger: Ledger) -> None:
    now = dt.datetime.now(dt.UTC)
    with ledger.session() as session:
        _, expired = create_key("acme", "", list(Scope), expires_at=now - dt.timedelta(seconds=1), session=session)
        revoked, secret = create_key("acme", "", list(Scope), session=session)
        first = revoke_key(revoked.id, session=session).revoked_at
    with ledger.session() as session:
        keys = [find_key(one, session=session) for one in (expired, secret)]
        assert revoke_key(revoked.id, session=session).revoked_at == first
    assert [key.usable(now) for key in keys if key] == [False, False]


def test_the_last_use_is_noted_once_a_minute_at_most(ledger: Ledger) -> None:
    with ledger.session() as session:
        _, secret = create_key("acme", "", list(Scope), session=session)
    for _ in range(2):
        with ledger.session() as session:
            find_key(secret, session=session)
    with ledger.session() as session:
        once = list_keys(session=session)[0].last_used_at
        find_key(secret, session=session)
    with ledger.session() as session:
        assert list_keys(session=session)[0].last_used_at == once is not None


def test_the_command_line_makes_lists_and_revokes_keys(
    ledger: Ledger, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("RECEIPTFLOW_LEDGER_URL", database_url)
    command = CliRunner()
    data = ["--data", str(tmp_path)]
    made = command.invoke(app, ["keys", "create", "--owner", "acme", "--scope", "read", "--days", "7", "--json", *data])
    assert made.exit_code == 0, made.output
    key = json.loads(made.stdout)
    assert key["scopes"] == ["read"]
    listed = command.invoke(app, ["keys", "list", "--owner", "acme", "--json", *data])
    assert [one["id"] for one in json.loads(listed.stdout)] == [key["id"]]
    assert key["key"] not in listed.stdout
    assert command.invoke(app, ["keys", "revoke", key["id"], *data]).exit_code == 0
    with ledger.session() as session:
        found = find_key(key["key"], session=session)
    assert found is not None
    assert found.revoked_at is not None


@pytest.mark.parametrize("owner", ["a/b", "..", "a\nb"])
def test_an_owner_is_one_folder_name(owner: str, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECEIPTFLOW_LEDGER_URL", database_url)
    assert CliRunner().invoke(app, ["keys", "create", "--owner", owner]).exit_code != 0


def test_an_unknown_scope_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECEIPTFLOW_LEDGER_URL", database_url)
    assert CliRunner().invoke(app, ["keys", "create", "--owner", "acme", "--scope", "root"]).exit_code == 2
