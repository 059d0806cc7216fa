"""The gateway as a part of the embedded stack; the first API key and the first person that such a stack has."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from sqlmodel import Session

from deployments.stack import HttpCheck, Service
from deployments.stack.credentials import write_private
from deployments.stack.lan import lan_environment, prepare_certificate
from deployments.stack.settings import StackSettings
from flows.domain.owners import DEFAULT_OWNER
from flows.ledger.access import (
    PersonView,
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

KEY_FILE = "api-key"
_FIRST_PERSON = "admin"
_FIRST_KEY_NAME = "made at the first start"


def gateway_service(settings: StackSettings) -> Service:
    """The gateway of this machine. It needs no Prefect to start, nor to take receipts in."""
    return Service(
        name="gateway",
        command=(sys.executable, "-m", "deployments.gateway"),
        env={"RECEIPTFLOW_PREFECT_DATABASE_URL": settings.database_url("prefect"), **lan_environment(settings)},
        prepare=lambda: prepare_certificate(settings),
        needs=("postgres", "seaweedfs"),
        ready_check=HttpCheck(settings.ports.gateway, "/ready"),
        liveness_check=HttpCheck(settings.ports.gateway, "/health"),
        stop_timeout=15.0,
    )


def key_file(settings: StackSettings) -> Path:
    """Where the first key is kept, with mode 600."""
    return settings.root / KEY_FILE


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
            people = list_people(session=session)
            if _can_sign_in(people, session):
                return None
            person = people[0] if people else add_person(DEFAULT_OWNER, _FIRST_PERSON, Role.ADMIN, session=session)
            return None if person.disabled_at else make_link(person.id, session=session)[1]
    finally:
        ledger.close()


def is_signed_in(settings: StackSettings) -> bool:
    """Whether anybody has a password or is signed in."""
    ledger = open_ledger(settings.database_url("ledger"))
    try:
        with ledger.session() as session:
            return _can_sign_in(list_people(session=session), session)
    finally:
        ledger.close()


def _can_sign_in(people: Sequence[PersonView], session: Session) -> bool:
    return any(one.has_password or list_sessions(one.id, session=session) for one in people)
