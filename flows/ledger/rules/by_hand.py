"""Rules that a person makes themselves, without a receipt: a printed name means a merchant, a merchant has a category.

They choose as learned ones do, act forward only, and are not changed by what is learned later. Where one was learned
for the same mark, the hand-made one takes its place.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from flows.domain.folding import squeeze
from flows.learning import MERCHANT
from flows.ledger.categories import CategoryNotFoundError, known_category
from flows.ledger.corrections import InvalidValuesError, parse_values
from flows.ledger.locking import clean
from flows.ledger.rules.learning import lock_rules
from flows.ledger.rules.queries import RuleNotFoundError, RuleView, rule_of
from flows.ledger.schema import RuleKind, RuleRow

_SHORTEST, _LONGEST = 3, 200  # letters and digits of a printed name, folded; as for those that are learned
_PRINTED_NAME = "name"


def make_rule(owner: str, printed: str, kind: RuleKind, result: str, actor: str, *, session: Session) -> RuleView:
    """Say what a name means from now on.

    Args:
        owner: Whose receipts.
        printed: For a merchant's name, the name as it is printed and read; for a category, the merchant as it is called
            in the ledger. Case, accents and punctuation make no difference.
        kind: Whether it names a merchant or chooses a category.
        result: The name, or one of the owner's categories.
        actor: Who says so.
        session: The transaction.

    Raises:
        InvalidValuesError: `printed` is too short or too long, or `result` is no name or no category.
    """
    folded = squeeze(printed)
    if not _SHORTEST <= len(folded) <= _LONGEST:
        raise InvalidValuesError({"printed": f"give a name of {_SHORTEST} to {_LONGEST} letters and digits"})
    wanted = _result(owner, kind, result, session=session)
    lock_rules(owner, session=session)
    mark = _PRINTED_NAME if kind is RuleKind.MERCHANT else MERCHANT
    named = {"owner": owner, "kind": kind, "identity_kind": mark, "identity_value": folded}
    made: dict[str, Any] = {"result": wanted, "content_id": None, "made_by": clean(actor), "made_at": func.now()}
    made |= {"disabled": False, "disabled_reason": None, "set_by": clean(actor), "updated_at": func.now()}
    query = insert(RuleRow).values(**named, **made).on_conflict_do_update(index_elements=list(named), set_=made)
    rule_id = session.execute(query.returning(col(RuleRow.id))).scalar_one()
    return rule_of(rule_id, owner, session=session)


def remove_rule(rule_id: int, *, owner: str, session: Session) -> None:
    """Remove a rule that was made by hand; one that was learned is switched off instead, or it would be learned again.

    Raises:
        RuleNotFoundError: There is no such rule made by hand.
    """
    mine = delete(RuleRow).where(col(RuleRow.id) == rule_id, col(RuleRow.owner) == owner)
    if not session.execute(mine.where(col(RuleRow.content_id).is_(None)).returning(col(RuleRow.id))).all():
        raise RuleNotFoundError(rule_id)


def _result(owner: str, kind: RuleKind, result: str, *, session: Session) -> str:
    if kind is RuleKind.MERCHANT:
        name: str | None = parse_values({"merchant": result})["merchant"]
        if name is None:
            raise InvalidValuesError({"result": "give the merchant's name"})
        return name
    try:
        return known_category(owner, result, session=session)
    except CategoryNotFoundError as error:
        raise InvalidValuesError({"result": str(error)}) from error
