"""Sessions of people in browsers, and the links that begin one once. Tokens are 32 random bytes, kept as hashes."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from flows.domain.errors import ReceiptflowError
from flows.ledger.access.api_keys import hash_of
from flows.ledger.access.people import PersonView, get_person, person_view
from flows.ledger.schema import Person, PersonSession, SignInLink

# A session ends after so long without a request, and after so long in any case.
IDLE_DAYS = 30
LONGEST_DAYS = 180
LINK_HOURS = 24
_TOKEN_BYTES = 32
_TOUCH_SECONDS = 60
_LONGEST_AGENT = 300


class SignInError(ReceiptflowError):
    """A link that signs nobody in."""


class SessionNotFoundError(ReceiptflowError):
    """The person has no such session."""

    def __init__(self, session_id: UUID) -> None:
        self.session_id = session_id
        super().__init__(f"there is no session {session_id} of yours")


@dataclass(frozen=True, slots=True)
class SessionView:
    """One browser that a person has signed in with."""

    id: UUID
    user_agent: str
    created_at: dt.datetime
    last_seen_at: dt.datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who asks, in which session."""

    person: PersonView
    session_id: UUID


def make_link(
    reference: str | UUID, *, session: Session, owner: str | None = None, hours: float = LINK_HOURS
) -> tuple[PersonView, str]:
    """Make a link's token for a person; their earlier unused ones are void from now on.

    Returns:
        The person, and the token, which cannot be had again.

    Raises:
        PersonNotFoundError: There is none.
        SignInError: The person is disabled.
    """
    person = get_person(reference, session=session, owner=owner)
    if person.disabled_at is not None:
        raise SignInError(f"{person.name} is disabled; `receiptflow people enable` lets them in again")
    unused = update(SignInLink).where(col(SignInLink.person_id) == person.id, col(SignInLink.used_at).is_(None))
    session.execute(unused.values(used_at=func.now()))
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    expires_at = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
    session.add(SignInLink(person_id=person.id, token_sha256=hash_of(token), expires_at=expires_at))
    session.flush()
    return person, token


def use_link(token: str, *, session: Session) -> PersonView:
    """The person whom this link signs in, this once.

    Raises:
        SignInError: It is unknown, used or expired, or its person is disabled.
    """
    valid = (
        col(SignInLink.token_sha256) == hash_of(token),
        col(SignInLink.used_at).is_(None),
        col(SignInLink.expires_at) > func.now(),
    )
    # One statement: of two requests at once, one finds it used.
    query = update(SignInLink).where(*valid).values(used_at=func.now()).returning(col(SignInLink.person_id))
    person_id = session.execute(query).scalar_one_or_none()
    person = get_person(person_id, session=session) if person_id else None
    if person is None or person.disabled_at is not None:
        raise SignInError("This link was used already or has expired; ask for a new one (`receiptflow people link`).")
    return person


def begin_session(person_id: UUID, user_agent: str, *, session: Session) -> str:
    """Begin a session. Returns its token, which cannot be had again."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    agent = "".join(one for one in user_agent[:_LONGEST_AGENT] if one.isprintable())
    session.add(PersonSession(person_id=person_id, token_sha256=hash_of(token), user_agent=agent))
    session.flush()
    return token


def find_session(token: str, *, session: Session) -> SignedIn | None:
    """Who has this token, their last request noted; None if the session is over or its person disabled."""
    query = (
        select(PersonSession, Person)
        .join(Person, col(Person.id) == col(PersonSession.person_id))
        .where(PersonSession.token_sha256 == hash_of(token), *_live())
    )
    found = session.exec(query).one_or_none()
    if found is None:
        return None
    row, person = found
    stale = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, _TOUCH_SECONDS)
    touched = update(PersonSession).where(col(PersonSession.id) == row.id, col(PersonSession.last_seen_at) < stale)
    session.execute(touched.values(last_seen_at=func.now()))
    return SignedIn(person_view(person), row.id)


def list_sessions(person_id: UUID, *, session: Session) -> list[SessionView]:
    """A person's live sessions, the last used first."""
    query = select(PersonSession).join(Person, col(Person.id) == col(PersonSession.person_id))
    query = query.where(PersonSession.person_id == person_id, *_live())
    rows = session.exec(query.order_by(col(PersonSession.last_seen_at).desc()))
    return [SessionView(row.id, row.user_agent, row.created_at, row.last_seen_at) for row in rows]


def end_session(session_id: UUID, person_id: UUID, *, session: Session) -> None:
    """End one session of a person now.

    Raises:
        SessionNotFoundError: It is not theirs.
    """
    theirs = (col(PersonSession.id) == session_id, col(PersonSession.person_id) == person_id)
    query = update(PersonSession).where(*theirs).values(ended_at=func.coalesce(col(PersonSession.ended_at), func.now()))
    if session.execute(query.returning(col(PersonSession.id))).one_or_none() is None:
        raise SessionNotFoundError(session_id)


def _live() -> tuple[Any, ...]:
    def days(number: int) -> Any:
        return func.now() - func.make_interval(0, 0, 0, number)

    return (
        col(PersonSession.ended_at).is_(None),
        col(PersonSession.last_seen_at) > days(IDLE_DAYS),
        col(PersonSession.created_at) > days(LONGEST_DAYS),
        col(Person.disabled_at).is_(None),
    )
