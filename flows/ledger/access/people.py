"""People: who may use the pages of one owner, as what, and the passwords that prove it.

Passwords are hashed with argon2id at the parameters that argon2-cffi recommends (RFC 9106, low memory).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID
from zoneinfo import available_timezones

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, update
from sqlmodel import Session, col, select

from flows.domain.errors import ReceiptflowError
from flows.ledger.schema import Person, PersonSession, SignInLink

# NIST SP 800-63B (2024) asks for 8 at least and 15 where a password stands alone; no other rules.
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
_LONGEST_NAME = 80


class Role(StrEnum):
    """What a person may do, each with all that the ones before it may."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Whether this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class PersonNotFoundError(ReceiptflowError):
    """Nobody has this name or id (among the owner's people)."""

    def __init__(self, reference: object) -> None:
        self.reference = reference
        super().__init__(f"there is no person {reference}; `receiptflow people list` shows who there is")


class NameTakenError(ReceiptflowError):
    """Another person signs in with this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"name: {name!r} is taken by another person; choose another name")


class InvalidPersonError(ReceiptflowError):
    """A name or a password that cannot be one."""


class LastAdminError(ReceiptflowError):
    """The owner would have nobody left who may manage people."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        super().__init__(f"this is the last admin of {owner!r}; make another person admin first")


@dataclass(frozen=True, slots=True)
class PersonView:
    """One person without the password's hash."""

    id: UUID
    owner: str
    name: str
    role: Role
    has_password: bool
    language: str | None
    created_at: dt.datetime
    disabled_at: dt.datetime | None
    time_zone: str | None = None


def person_view(row: Person) -> PersonView:
    """The value of a row."""
    return PersonView(
        row.id, row.owner, row.name, Role(row.role), row.password_hash is not None, row.language, row.created_at,
        row.disabled_at, row.time_zone,
    )  # fmt: skip


def add_person(owner: str, name: str, role: Role, *, session: Session) -> PersonView:
    """Add a person, who cannot sign in before they get a link or a password.

    Args:
        owner: Whose receipts they work on.
        name: What they sign in with; single in this installation, whatever its case.
        role: What they may do.
        session: The transaction.

    Raises:
        InvalidPersonError: The name is empty, too long or has control characters.
        NameTakenError: Somebody has it.
    """
    name = _clean_name(name)
    if session.exec(select(Person.id).where(Person.folded_name == name.casefold())).one_or_none():
        raise NameTakenError(name)
    row = Person(owner=owner, name=name, folded_name=name.casefold(), role=role.value)
    session.add(row)
    session.flush()
    session.refresh(row)
    return person_view(row)


def list_people(*, session: Session, owner: str | None = None) -> list[PersonView]:
    """All people, or one owner's, in the order in which they came."""
    query = select(Person).order_by(col(Person.created_at), col(Person.id))
    if owner is not None:
        query = query.where(Person.owner == owner)
    return [person_view(row) for row in session.exec(query)]


def get_person(reference: str | UUID, *, session: Session, owner: str | None = None) -> PersonView:
    """A person by id or by name; with `owner`, only if they are theirs.

    Raises:
        PersonNotFoundError: There is none.
    """
    return person_view(_row(reference, owner, session=session))


def set_role(reference: str | UUID, role: Role, *, session: Session, owner: str | None = None) -> PersonView:
    """Change what a person may do, from their next request on.

    Raises:
        PersonNotFoundError: There is none.
        LastAdminError: Nobody would be left who may manage people.
    """
    row = _row(reference, owner, session=session)
    if role is not Role.ADMIN:
        _require_another_admin(row, session=session)
    return _update(row, session=session, role=role.value)


def disable_person(reference: str | UUID, *, session: Session, owner: str | None = None) -> PersonView:
    """Keep a person out: their sessions end and their links are void. What they did keeps their name.

    Raises:
        PersonNotFoundError: There is none.
        LastAdminError: Nobody would be left who may manage people.
    """
    row = _row(reference, owner, session=session)
    _require_another_admin(row, session=session)
    end_sessions(row.id, session=session)
    links = update(SignInLink).where(col(SignInLink.person_id) == row.id, col(SignInLink.used_at).is_(None))
    session.execute(links.values(used_at=func.now()))
    return _update(row, session=session, disabled_at=func.coalesce(col(Person.disabled_at), func.now()))


def enable_person(reference: str | UUID, *, session: Session, owner: str | None = None) -> PersonView:
    """Let a disabled person sign in again.

    Raises:
        PersonNotFoundError: There is none.
    """
    return _update(_row(reference, owner, session=session), session=session, disabled_at=None)


def set_language(person_id: UUID, language: str | None, *, session: Session) -> PersonView:
    """The language of a person's pages; None for the owner's."""
    return _update(_row(person_id, None, session=session), session=session, language=language)


def set_time_zone(person_id: UUID, time_zone: str | None, *, session: Session) -> PersonView:
    """The time zone (IANA name) that a person is shown times in; None for the server's.

    Raises:
        InvalidPersonError: There is no such zone.
    """
    if time_zone is not None and time_zone not in available_timezones():
        raise InvalidPersonError("time zone: there is none of this name; choose one like Europe/Berlin")
    return _update(_row(person_id, None, session=session), session=session, time_zone=time_zone)


def set_password(person_id: UUID, password: str, *, session: Session, keep: UUID | None = None) -> PersonView:
    """Set a person's password, and end their sessions but the one to keep.

    Raises:
        InvalidPersonError: It is too short or too long.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidPersonError(f"password: give {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    row = _row(person_id, None, session=session)
    end_sessions(person_id, session=session, keep=keep)
    return _update(row, session=session, password_hash=PasswordHasher().hash(password))


def person_with_password(name: str, password: str, *, session: Session) -> PersonView | None:
    """The person who signs in with this name and password; None, after the same time, if either is wrong."""
    row = session.exec(select(Person).where(Person.folded_name == name.strip().casefold())).one_or_none()
    hasher = PasswordHasher()
    known = row.password_hash if row and row.password_hash else _a_hash(hasher)
    try:
        hasher.verify(known, password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return None
    return person_view(row) if row and row.password_hash and row.disabled_at is None else None


def _a_hash(hasher: PasswordHasher) -> str:
    """What a stranger's password is compared with, so that the time does not tell whether a name is known."""
    # argon2 of nothing in particular: verifying costs what it costs for a person.
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}$c2FsdHNhbHRzYWx0c2FsdA$c3RyYW5nZXJzdHJhbmdlcnN0cmFuZ2Vyc3RyYW5nZXI"


def end_sessions(person_id: UUID, *, session: Session, keep: UUID | None = None) -> None:
    """End all of a person's sessions but the one to keep."""
    query = update(PersonSession).where(
        col(PersonSession.person_id) == person_id, col(PersonSession.ended_at).is_(None)
    )
    if keep is not None:
        query = query.where(col(PersonSession.id) != keep)
    session.execute(query.values(ended_at=func.now()))


def _clean_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidPersonError(f"name: give 1 to {_LONGEST_NAME} visible characters")
    return name


def _row(reference: str | UUID, owner: str | None, *, session: Session) -> Person:
    known = (
        Person.id == reference if isinstance(reference, UUID) else Person.folded_name == reference.strip().casefold()
    )
    row = session.exec(select(Person).where(known).with_for_update()).one_or_none()
    if row is None or owner not in {None, row.owner}:
        raise PersonNotFoundError(reference)
    return row


def _require_another_admin(row: Person, *, session: Session) -> None:
    if row.role != Role.ADMIN.value or row.disabled_at is not None:
        return
    admins = select(Person).where(
        Person.owner == row.owner, Person.role == Role.ADMIN.value, col(Person.disabled_at).is_(None)
    )
    # Locked, so that two admins cannot take each other away at the same moment.
    if len(session.exec(admins.order_by(col(Person.id)).with_for_update()).all()) < 2:
        raise LastAdminError(row.owner)


def _update(row: Person, *, session: Session, **values: object) -> PersonView:
    session.execute(update(Person).where(col(Person.id) == row.id).values(**values))
    session.refresh(row)
    return person_view(row)
