"""What an owner makes of the categories: made, renamed, merged, archived; expenses and lines follow in one transaction.

A name that a category had goes on meaning it. A rename is no change of an expense: its revision stays.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from flows.domain.folding import squeeze
from flows.ledger.categories.errors import CategoryNotFoundError, CategoryTakenError, InvalidCategoryError
from flows.ledger.categories.names import CategoryView, begin_with_defaults, lock_categories, meant
from flows.ledger.locking import as_value
from flows.ledger.schema import Category, Expense, ExpenseLine

MAX_NAME = 60
MAX_CATEGORIES = 300


def make_category(owner: str, name: str, *, session: Session) -> CategoryView:
    """Make a category; one that is archived comes back.

    Raises:
        InvalidCategoryError: No name, or too many categories.
        CategoryTakenError: There is one that has or had this name.
    """
    name = _checked(name)
    _lock(owner, session=session)
    found = meant(owner, name, session=session)
    if found is not None and (found.archived_at is None or found.key != squeeze(name)):
        raise CategoryTakenError(name, found.name)
    if found is not None:
        return _write(found, session=session, name=name, archived_at=None)
    count = session.exec(select(func.count()).where(Category.owner == owner)).one()
    if count >= MAX_CATEGORIES:
        raise InvalidCategoryError(f"there are {count} categories; merge some before you make another")
    made = insert(Category).values(owner=owner, name=name, key=squeeze(name)).returning(Category)
    return as_value(CategoryView, session.execute(made).scalar_one())


def rename_category(category_id: UUID, name: str, *, owner: str, session: Session) -> CategoryView:
    """Give a category another name; what has it follows.

    Raises:
        CategoryNotFoundError: There is none, or it is another owner's.
        InvalidCategoryError: No name.
        CategoryTakenError: Another one has or had this name.
    """
    name = _checked(name)
    _lock(owner, session=session)
    category = _of(category_id, owner, session=session)
    other = meant(owner, name, session=session)
    if other is not None and other.id != category.id:
        raise CategoryTakenError(name, other.name)
    key = squeeze(name)
    former = sorted({*category.former_keys, category.key} - {key})
    _move(owner, category.name, name, session=session)
    return _write(category, session=session, name=name, key=key, former_keys=former)


def merge_categories(category_id: UUID, into: UUID, *, owner: str, session: Session) -> CategoryView:
    """Let a category be another one: what has it gets the other, its names mean the other, and it is gone.

    Raises:
        CategoryNotFoundError: There is none, or it is another owner's.
        InvalidCategoryError: Both are the same.
    """
    if category_id == into:
        raise InvalidCategoryError("into: that is the category itself; give another one")
    _lock(owner, session=session)
    category, target = (_of(one, owner, session=session) for one in (category_id, into))
    former = sorted({*target.former_keys, *category.former_keys, category.key} - {target.key})
    _move(owner, category.name, target.name, session=session)
    session.execute(delete(Category).where(col(Category.id) == category.id))
    return _write(target, session=session, former_keys=former)


def archive_category(category_id: UUID, *, owner: str, session: Session, archived: bool = True) -> CategoryView:
    """Offer a category no more, or again. What has it keeps it.

    Raises:
        CategoryNotFoundError: There is none, or it is another owner's.
    """
    _lock(owner, session=session)
    category = _of(category_id, owner, session=session)
    return _write(category, session=session, archived_at=func.now() if archived else None)


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not squeeze(name) or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidCategoryError(f"name: give 1 to {MAX_NAME} plain characters, a letter or digit among them")
    return name


def _lock(owner: str, *, session: Session) -> None:
    lock_categories(owner, session=session)
    begin_with_defaults(owner, session=session)


def _of(category_id: UUID, owner: str, *, session: Session) -> Category:
    query = select(Category).where(Category.id == category_id, Category.owner == owner)
    found = session.exec(query).one_or_none()
    if found is None:
        raise CategoryNotFoundError(str(category_id), [])
    return found


def _write(category: Category, *, session: Session, **columns: Any) -> CategoryView:
    query = update(Category).where(col(Category.id) == category.id).values(**columns).returning(Category)
    return as_value(CategoryView, session.execute(query).scalar_one())


def _move(owner: str, name: str, to: str, *, session: Session) -> None:
    lines = update(ExpenseLine).where(
        col(ExpenseLine.expense_id) == col(Expense.id), col(Expense.owner) == owner, col(ExpenseLine.category) == name
    )
    session.execute(lines.values(category=to))
    expenses = update(Expense).where(col(Expense.owner) == owner, col(Expense.category) == name)
    session.execute(expenses.values(category=to))
