"""People whom an OpenID provider vouches for: found by who they are there, once bound to it by their name."""

from __future__ import annotations

from sqlalchemy import func
from sqlmodel import Session, col, select

from flows.ledger.access.people import PersonView, Role, add_person, person_view
from flows.ledger.access.sessions import SignInError
from flows.ledger.schema import Person


def person_of_subject(subject: str, name: str, *, create_for: str = "", session: Session) -> PersonView:
    """The person who is this subject at the provider.

    The first time they are found by name, and the subject is kept with them: whoever gets that name at the provider
    later is somebody else.

    Args:
        subject: The issuer and its `sub`, which never change.
        name: What the provider calls them; as people sign in with.
        create_for: The owner whose viewer somebody unknown becomes; empty: nobody is added.
        session: The transaction.

    Raises:
        SignInError: Nobody here has this name, or the one who has it is another subject or disabled.
        InvalidPersonError: The name cannot be one.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(subject))))  # two first sign-ins at once
    row = session.exec(select(Person).where(Person.openid_subject == subject)).one_or_none()
    if row is None:
        row = _by_name(subject, name, create_for, session=session)
    if row.disabled_at is not None:
        raise SignInError(f"{row.name} is disabled; an admin lets them in again under People")
    return person_view(row)


def _by_name(subject: str, name: str, create_for: str, *, session: Session) -> Person:
    named = select(Person).where(Person.folded_name == name.strip().casefold()).with_for_update()
    row = session.exec(named).one_or_none()
    if row is None and create_for:
        person = add_person(create_for, name, Role.VIEWER, session=session)
        row = session.exec(select(Person).where(col(Person.id) == person.id)).one()
    if row is None:
        raise SignInError(f"nobody here is named {name!r}; an admin adds them under People with this name")
    if row.openid_subject is not None:
        raise SignInError(f"{row.name} is somebody else at the provider; an admin gives you a name of your own")
    row.openid_subject = subject
    session.add(row)
    session.flush()
    return row
