"""Which categories an owner has, and what a name means: whoever was given a name that has changed since means the same
category still.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Text, cast, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlmodel import Session, col, or_, select

from flows.domain.folding import squeeze
from flows.ledger.categories.errors import CategoryNotFoundError
from flows.ledger.locking import as_value
from flows.ledger.schema import Category

# To begin with: what tax forms and banks part expenses by, for a household as for a small business.
DEFAULTS = (
    *("Groceries", "Eating out", "Household", "Clothing", "Health", "Leisure", "Gifts", "Education"),
    *("Fuel", "Transport", "Travel", "Lodging", "Office supplies", "Equipment", "Software"),
    *("Phone and internet", "Postage", "Fees", "Other"),
)
_WRITE = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_READ = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:name, 0))")


@dataclass(frozen=True, slots=True)
class CategoryView:
    """One category."""

    id: UUID
    owner: str
    name: str
    archived_at: dt.datetime | None
    created_at: dt.datetime


def list_categories(owner: str, *, session: Session, archived: bool = False) -> list[CategoryView]:
    """The owner's categories by name, without archived ones unless asked for; the default set at the first time."""
    begin_with_defaults(owner, session=session)
    query = select(Category).where(Category.owner == owner)
    if not archived:
        query = query.where(col(Category.archived_at).is_(None))
    return [as_value(CategoryView, row) for row in session.exec(query.order_by(col(Category.key)))]


def known_category(owner: str, name: str, *, session: Session) -> str:
    """The present name of the category that is meant, for whoever gives one now.

    Raises:
        CategoryNotFoundError: There is none, or it is archived.
    """
    begin_with_defaults(owner, session=session)
    found = meant(owner, name, session=session)
    if found is None or found.archived_at is not None:
        raise CategoryNotFoundError(name, [one.name for one in list_categories(owner, session=session)])
    return found.name


def present_names(owner: str, names: Collection[str], *, session: Session) -> dict[str, str]:
    """The present names of categories that were given once. Nobody renames one until the transaction ends."""
    if not names:
        return {}
    session.execute(_READ, {"name": _lock_name(owner)})
    keys = {name: squeeze(name) for name in names}
    rows = session.exec(
        select(Category).where(
            Category.owner == owner,
            or_(
                col(Category.key).in_(keys.values()),
                col(Category.former_keys).op("&&")(cast(list(keys.values()), ARRAY(Text))),
            ),
        )
    ).all()
    present = {former: row.name for row in rows for former in row.former_keys} | {row.key: row.name for row in rows}
    return {name: present.get(key, name) for name, key in keys.items()}


def meant(owner: str, name: str, *, session: Session) -> Category | None:
    """The category with this name, or that had it."""
    key = squeeze(name)
    query = select(Category).where(
        Category.owner == owner, or_(col(Category.key) == key, col(Category.former_keys).contains([key]))
    )
    rows = session.exec(query).all()
    return next((row for row in rows if row.key == key), rows[0] if rows else None)


def lock_categories(owner: str, *, session: Session) -> None:
    """Let nobody else change the owner's categories, or post with one, until the transaction ends."""
    session.execute(_WRITE, {"name": _lock_name(owner)})


def begin_with_defaults(owner: str, *, session: Session) -> None:
    """Give the default set to an owner who has no category at all."""
    if session.exec(select(Category.id).where(Category.owner == owner).limit(1)).first() is not None:
        return
    rows = [{"owner": owner, "name": name, "key": squeeze(name)} for name in DEFAULTS]
    session.execute(insert(Category).values(rows).on_conflict_do_nothing(index_elements=["owner", "key"]))


def _lock_name(owner: str) -> str:
    return f"receiptflow:categories:{owner}"
