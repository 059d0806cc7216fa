"""Contents that were read before there was a search get their words, from the results bucket, some at a time."""

from __future__ import annotations

from pydantic import ValidationError

from flows.domain.fields import DocumentText
from flows.ledger.expenses import Unsearchable, keep_missing_text, unsearchable
from flows.pipeline.configuration import Pipeline

_AT_ONCE = 200


def make_searchable(pipeline: Pipeline) -> int:
    """Bring the words of every content that has none to the ledger. A content whose words were pruned is found by its
    expense's fields alone.

    Returns:
        How many contents.
    """
    done = 0
    while contents := _next(pipeline):
        for content in contents:
            text = _words(pipeline, content.words_key)
            with pipeline.ledger.session() as session:
                keep_missing_text(content.content_id, text, session=session)
        done += len(contents)
    return done


def _next(pipeline: Pipeline) -> list[Unsearchable]:
    with pipeline.ledger.session() as session:
        return unsearchable(_AT_ONCE, session=session)


def _words(pipeline: Pipeline, key: str) -> str:
    body = pipeline.results.get(key) if key else None
    try:
        return DocumentText.model_validate_json(body).plain if body else ""
    except ValidationError:
        return ""  # damaged: reading the receipt again replaces it
