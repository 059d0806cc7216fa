"""People and their sessions: passwords and tokens are kept as hashes, a link works once, an owner keeps an admin."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from ledger_helpers import race
from sqlalchemy import column as column_of
from sqlalchemy import literal_column, select, table, text, update
from typer.testing import CliRunner

from deployments.cli.app import app
from flows.ledger.access import (
    InvalidPersonError,
    LastAdminError,
    NameTakenError,
    PersonNotFoundError,
    PersonView,
    Role,
    SessionNotFoundError,
    SignInError,
    add_person,
    begin_session,
    disable_person,
    enable_person,
    end_session,
    find_session,
    get_person,
    list_people,
    list_sessions,
    make_link,
    person_with_password,
    set_password,
    set_role,
    use_link,
)
from flows.ledger.database import Ledger

PASSWORD = "correct horse battery"


def a_person(ledger: Ledger, name: str = "Anna", role: Role = Role.ADMIN, owner: str = "acme") -> PersonView:
    with ledger.session() as session:
        return add_person(owner, name, role, session=session)


def everything(ledger: Ledger) -> str:
    with ledger.session() as session:
        tables = ("people", "sessions", "sign_in_links")
        return repr([session.execute(select(literal_column("*")).select_from(table(name))).all() for name in tables])


def test_a_name_is_single_in_any_case_and_visible(ledger: Ledger) -> None:
    a_person(ledger, "  Anna  Berg ")
    with pytest.raises(NameTakenError, match="choose another"):
        a_person(ledger, "ANNA BERG", owner="other")
    for name in ("", "  ", "a\x00b", "x" * 81, "a\u202eb"):
        with pytest.raises(InvalidPersonError, match="name"):
            a_person(ledger, name)
    with ledger.session() as session:
        assert [one.name for one in list_people(session=session)] == ["Anna Berg"]
        assert list_people(owner="other", session=session) == []


def test_a_password_is_checked_and_kept_as_a_hash_only(ledger: Ledger) -> None:
    person = a_person(ledger)
    with ledger.session() as session:
        assert person_with_password("anna", "", session=session) is None
        with pytest.raises(InvalidPersonError, match="10 to 200"):
            set_password(person.id, "short", session=session)
        set_password(person.id, PASSWORD, session=session)
    with ledger.session() as session:
        found = person_with_password(" ANNA ", PASSWORD, session=session)
        assert found is not None
        assert (found.id, found.has_password) == (person.id, True)
        assert person_with_password("anna", PASSWORD + "x", session=session) is None
        assert person_with_password("nobody", PASSWORD, session=session) is None
    assert PASSWORD not in everything(ledger)
    assert "argon2id" in everything(ledger)


def test_a_link_signs_in_once_and_a_new_one_voids_the_last(ledger: Ledger) -> None:
    person = a_person(ledger)
    with ledger.session() as session:
        first = make_link(person.id, session=session)[1]
        second = make_link("anna", session=session)[1]
    for void in (first, "x", ""):
        with pytest.raises(SignInError, match="ask for a new one"), ledger.session() as session:
            use_link(void, session=session)

    def use() -> PersonView:
        with ledger.session() as session:
            return use_link(second, session=session)

    outcomes = race([use, use])
    assert sorted(type(one).__name__ for one in outcomes) == ["PersonView", "SignInError"]
    assert second not in everything(ledger)


def test_an_expired_link_signs_nobody_in(ledger: Ledger) -> None:
    person = a_person(ledger)
    with ledger.session() as session:
        token = make_link(person.id, hours=-0.01, session=session)[1]
    with pytest.raises(SignInError, match="expired"), ledger.session() as session:
        use_link(token, session=session)


def test_sessions_are_found_listed_and_ended(ledger: Ledger) -> None:
    person, other = a_person(ledger), a_person(ledger, "Bert")
    with ledger.session() as session:
        token = begin_session(person.id, "Firefox\x00 on\nLinux", session=session)
        begin_session(person.id, "Chrome", session=session)
    with ledger.session() as session:
        found = find_session(token, session=session)
        assert found is not None
        assert found.person.name == "Anna"
        assert find_session(token + "x", session=session) is None
        assert {one.user_agent for one in list_sessions(person.id, session=session)} == {"Firefox onLinux", "Chrome"}
        with pytest.raises(SessionNotFoundError):
            end_session(found.session_id, other.id, session=session)
        end_session(found.session_id, person.id, session=session)
    with ledger.session() as session:
        assert find_session(token, session=session) is None
        assert len(list_sessions(person.id, session=session)) == 1
    assert token not in everything(ledger)


@pytest.mark.parametrize("column", ["last_seen_at", "created_at"])
def test_a_session_ends_by_itself(ledger: Ledger, column: str) -> None:
    person = a_person(ledger)
    with ledger.session() as session:
        token = begin_session(person.id, "", session=session)
        session.execute(
            update(table("sessions", column_of(column))).values({column: text("now() - interval '181 days'")})
        )
    with ledger.session() as session:
        assert find_session(token, session=session) is None
        assert list_sessions(person.id, session=session) == []


def test_a_new_password_ends_other_sessions(ledger: Ledger) -> None:
    person = a_person(ledger)
    with ledger.session() as session:
        mine, other = (begin_session(person.id, "", session=session) for _ in range(2))
    with ledger.session() as session:
        found = find_session(mine, session=session)
        assert found is not None
        set_password(person.id, PASSWORD, keep=found.session_id, session=session)
    with ledger.session() as session:
        assert find_session(mine, session=session) is not None
        assert find_session(other, session=session) is None


def test_who_is_disabled_is_out_at_once(ledger: Ledger) -> None:
    a_person(ledger, "Root")
    person = a_person(ledger)
    with ledger.session() as session:
        set_password(person.id, PASSWORD, session=session)
        token, link = begin_session(person.id, "", session=session), make_link(person.id, session=session)[1]
        disable_person(person.id, session=session)
    with ledger.session() as session:
        assert find_session(token, session=session) is None
        assert person_with_password("anna", PASSWORD, session=session) is None
    for fails in (lambda session: use_link(link, session=session), lambda session: make_link("anna", session=session)):
        with pytest.raises(SignInError), ledger.session() as session:
            fails(session)
    with ledger.session() as session:
        enable_person("anna", session=session)
        assert person_with_password("anna", PASSWORD, session=session) is not None
        assert find_session(token, session=session) is None


def test_an_owner_keeps_an_admin(ledger: Ledger) -> None:
    anna, bert = a_person(ledger), a_person(ledger, "Bert")
    a_person(ledger, "Other", owner="other")
    with ledger.session() as session:
        set_role(bert.id, Role.VIEWER, session=session)
    for last in (lambda session: set_role(anna.id, Role.REVIEWER, session=session),
                 lambda session: disable_person(anna.id, session=session)):  # fmt: skip
        with pytest.raises(LastAdminError, match="make another person admin"), ledger.session() as session:
            last(session)
    with ledger.session() as session:
        assert get_person(anna.id, session=session).role is Role.ADMIN
        with pytest.raises(PersonNotFoundError):
            get_person(anna.id, owner="other", session=session)
        with pytest.raises(PersonNotFoundError):
            set_role(uuid4(), Role.ADMIN, session=session)


@pytest.mark.parametrize(("role", "other", "may"), [
    (Role.VIEWER, Role.REVIEWER, False), (Role.REVIEWER, Role.VIEWER, True), (Role.ADMIN, Role.ADMIN, True),
])  # fmt: skip
def test_a_role_includes_those_below(role: Role, other: Role, may: bool) -> None:
    assert role.includes(other) is may


def test_the_command_line_manages_people(
    ledger: Ledger, ledger_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("RECEIPTFLOW_LEDGER_URL", ledger_url)
    monkeypatch.setenv("RECEIPTFLOW_GATEWAY_URL", "http://here:1")

    def run(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, ["people", *words, "--data", str(tmp_path)])
        assert done.exit_code == status, (words, done.output, done.exception)
        return done.output

    made = run("add", "Anna", "--owner", "acme", "--role", "admin")
    assert made.startswith("http://here:1/app/sign-in#")
    run("add", "Bert", "--role", "root", status=2)
    run("add", "Bert", "--owner", "acme")
    run("role", "bert", "viewer")
    run("disable", "bert")
    listed = json.loads(run("list", "--owner", "acme", "--json"))
    assert [(one["name"], one["role"], one["disabled_at"] is None) for one in listed] == [
        ("Anna", "admin", True), ("Bert", "viewer", False),
    ]  # fmt: skip
    run("enable", "bert")
    run("disable", "anna", status=1)
    token = run("link", "anna").split("#")[1].splitlines()[0]
    with ledger.session() as session:
        assert use_link(token, session=session).name == "Anna"
