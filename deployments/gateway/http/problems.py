"""Every refusal as `application/problem+json` (RFC 9457): what was wrong, and what to do about it."""

from __future__ import annotations

import http
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from flows.domain.errors import ConfigurationError, ReceiptflowError, TransientError
from flows.exports import ExportRefusedError, UnknownTargetError, WrongOptionError
from flows.ledger.access import (
    InvalidFilterError,
    InvalidPersonError,
    KeyNotFoundError,
    LastAdminError,
    NameTakenError,
    PersonNotFoundError,
    SessionNotFoundError,
    SignInError,
)
from flows.ledger.categories import CategoryNotFoundError, CategoryTakenError, InvalidCategoryError
from flows.ledger.corrections import InvalidValuesError
from flows.ledger.decisions import (
    ChangedMeanwhileError,
    ExpenseNotFoundError,
    NothingToUndoError,
    SamePurchaseError,
    UnfitReceiptError,
)
from flows.ledger.errors import InvalidReferenceError, ReceiptNotFoundError, WrongStateError
from flows.ledger.exports import ExportNotFoundError, InvalidAccountError
from flows.ledger.notifications import TooManyWebhooksError, WebhookNotFoundError
from flows.ledger.receipts import KeyReusedError, UploadNotFoundError
from flows.ledger.rules import RuleNotFoundError
from flows.pipeline.book_servers import NoServerError
from flows.storage import ObjectGoneError

_log = logging.getLogger("receiptflow.gateway")
_RETRY_AFTER_SECONDS = "5"
_STATUS_OF: dict[type[ReceiptflowError], int] = {
    ReceiptNotFoundError: 404,
    UploadNotFoundError: 404,
    ObjectGoneError: 404,
    WrongStateError: 409,
    WebhookNotFoundError: 404,
    ExpenseNotFoundError: 404,
    ChangedMeanwhileError: 409,
    SamePurchaseError: 409,
    NothingToUndoError: 409,
    UnfitReceiptError: 422,
    InvalidValuesError: 422,
    TooManyWebhooksError: 409,
    KeyReusedError: 422,
    InvalidReferenceError: 422,
    CategoryNotFoundError: 404,
    RuleNotFoundError: 404,
    CategoryTakenError: 409,
    InvalidCategoryError: 422,
    UnknownTargetError: 404,
    ExportNotFoundError: 404,
    ExportRefusedError: 409,
    WrongOptionError: 422,
    InvalidAccountError: 422,
    NoServerError: 409,
    InvalidPersonError: 422,
    KeyNotFoundError: 404,
    PersonNotFoundError: 404,
    SessionNotFoundError: 404,
    NameTakenError: 409,
    LastAdminError: 409,
    SignInError: 422,
    InvalidFilterError: 422,
    TransientError: 503,
    ConfigurationError: 503,
}


class Problem(BaseModel):
    """A refusal."""

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no such receipt."])


class RefusedError(ReceiptflowError):
    """A request that is refused with a status of its own."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.detail, self.headers = status, detail, dict(headers or {})
        super().__init__(detail)


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    """The answer for a refusal."""
    content = {"type": "about:blank", "title": http.HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(
        jsonable_encoder({**content, **more}), status, dict(headers or {}), media_type="application/problem+json"
    )


def install(app: FastAPI) -> None:
    """Have every error of the app answered as a problem."""
    app.exception_handler(RefusedError)(_refused)
    app.exception_handler(ReceiptflowError)(_failed)
    app.exception_handler(HTTPException)(_http_error)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(Exception)(_unforeseen)


async def _refused(_request: Request, error: RefusedError) -> JSONResponse:
    return problem(error.status, error.detail, error.headers)


def status_of(error: Exception) -> int:
    """The status that an error of ours is answered with."""
    return next((code for kind, code in _STATUS_OF.items() if isinstance(error, kind)), 500)


async def _failed(_request: Request, error: Exception) -> JSONResponse:
    status = status_of(error)
    if status >= 500:
        _log.error("a request failed: %s", error, exc_info=None if isinstance(error, TransientError) else error)
        # What our parts say of each other (addresses, drivers' words) is for the log, not for strangers.
        detail = "A part behind this API does not answer just now; repeat the request later."
        return problem(status, detail, {"Retry-After": _RETRY_AFTER_SECONDS})
    return problem(status, str(error), **_more_of(error))


def _more_of(error: Exception) -> dict[str, Any]:
    """What a program needs beside the words."""
    if isinstance(error, InvalidValuesError):
        return {"errors": [{"where": field, "what": what} for field, what in error.problems.items()]}
    if isinstance(error, UnfitReceiptError):
        return {"errors": [{"where": error.field, "what": str(error)}]}
    if isinstance(error, ChangedMeanwhileError):
        return {"changes": error.changes}
    return {"same_purchase_as": error.other_id} if isinstance(error, SamePurchaseError) else {}


async def _http_error(_request: Request, error: HTTPException) -> JSONResponse:
    return problem(error.status_code, str(error.detail), error.headers)


async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
    wrong = [{"where": "/".join(map(str, entry["loc"])), "what": entry["msg"]} for entry in error.errors()]
    detail = "; ".join(f"{entry['where']}: {entry['what']}" for entry in wrong)
    return problem(422, detail, errors=wrong)


async def _unforeseen(_request: Request, error: Exception) -> JSONResponse:
    _log.error("a request ended in an unforeseen error", exc_info=error)
    return problem(500, "This should not have happened; it is in the gateway's log.")


RESPONSES: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": text, "content": {"application/problem+json": {}}}
    for code, text in {
        400: "The body cannot be read.",
        401: "No API key, or one that is not valid.",
        403: "The key lacks the scope for this.",
        404: "There is no such thing, or it is another owner's.",
        408: "The body came too slowly.",
        413: "The body is too large.",
        422: "The request cannot be understood.",
        429: "Too many requests with this key.",
        503: "A part behind the API is away; repeat later.",
    }.items()
}
