"""The first API key and the first person that an embedded stack has."""

from __future__ import annotations

from sqlmodel import Session

from deployments.stack.credentials import write_private
from deployments.stack.gateway_service import key_file
from deployments.stack.settings import StackSettings
from flows.domain.owners import DEFAULT_OWNER
from flows.ledger.access import (
    Role,
    Scope,
    add_person,
    create_key,
    list_keys,
    list_people,
    list_sessions,
    make_link,
)
from flows.ledger.database import open_ledger

_FIRST_PERSON = "admin"
_FIRST_KEY_NAME = "made at the first start"


def first_key(settings: StackSettings) -> str | None:
    """Make the stack's first API key, for the default owner, and keep it in a file.

    Returns:
        The key, to be printed this once; None if the stack has keys already.
    """
    ledger = open_ledger(settings.database_url("ledger"))
    try:
        with ledger.session() as session:
            if list_keys(session=session):
                return None
            _, secret = create_key(DEFAULT_OWNER, _FIRST_KEY_NAME, list(Scope), session=session)
            # Before the commit: a key that nobody can read again would keep another from being made.
            write_private(key_file(settings), secret + "\n")
        return secret
    finally:
        ledger.close()


def first_link(settings: StackSettings) -> str | None:
    """A sign-in link's code for the stack's first person, who is made with it: an admin of the default owner.

    Returns:
        The code; None once somebody can sign in: has a password, or is signed in.
    """
    ledger = open_ledger(settings.database_url("ledger"))
    try:
        with ledger.session() as session:
            if somebody_can_sign_in(session):
                return None
            people = list_people(session=session)
            person = people[0] if people else add_person(DEFAULT_OWNER, _FIRST_PERSON, Role.ADMIN, session=session)
            return None if person.disabled_at else make_link(person.id, session=session)[1]
    finally:
        ledger.close()


def somebody_can_sign_in(session: Session) -> bool:
    """Whether anybody has a password or is signed in."""
    return any(one.has_password or list_sessions(one.id, session=session) for one in list_people(session=session))
