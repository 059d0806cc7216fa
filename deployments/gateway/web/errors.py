"""Every refusal of a page as a page: what was wrong and what to do; for htmx, a message above what was typed."""

from __future__ import annotations

import logging
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from deployments.gateway.http.problems import RefusedError, problem, status_of
from deployments.gateway.web.assets import PREFIX
from deployments.gateway.web.sentences import told
from deployments.gateway.web.templates import language_of, render
from deployments.gateway.web.visitor import SignInNeededError, find_visitor
from flows.domain.errors import ReceiptflowError

_log = logging.getLogger("receiptflow.gateway")
_AWAY = "A part behind this page does not answer just now. Nothing is lost; try again in a moment."
_SIGNED_OUT = "Nobody is signed in here, or the session has ended: sign in."
_UNFORESEEN = "This should not have happened. It is in the gateway's log; try again."


def install(app: FastAPI) -> None:
    """Have every error answered as a page."""
    app.exception_handler(SignInNeededError)(_sign_in)
    app.exception_handler(RefusedError)(_refused)
    app.exception_handler(ReceiptflowError)(_failed)
    app.exception_handler(HTTPException)(_http_error)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(Exception)(_unforeseen)


async def _sign_in(request: Request, error: SignInNeededError) -> Response:
    if _wants_json(request):
        return problem(401, told(_SIGNED_OUT, language_of(request)))
    address = f"{PREFIX}/sign-in?next={quote(error.wanted, safe='')}"
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


async def _refused(request: Request, error: RefusedError) -> Response:
    return await _page(request, error.status, error.detail)


async def _failed(request: Request, error: ReceiptflowError) -> Response:
    status = status_of(error)
    if status >= 500:
        _log.error("a page failed: %s", error)
        return await _page(request, status, _AWAY)
    return await _page(request, status, str(error))


async def _http_error(request: Request, error: HTTPException) -> Response:
    detail = "There is no such page." if error.status_code == 404 else str(error.detail)
    return await _page(request, error.status_code, detail)


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    wrong = "; ".join(f"{entry['loc'][-1]}: {entry['msg']}" for entry in error.errors())
    return await _page(request, 422, wrong)


async def _unforeseen(request: Request, error: Exception) -> Response:
    _log.error("a page ended in an unforeseen error", exc_info=error)
    return await _page(request, 500, _UNFORESEEN)


async def _page(request: Request, status: int, detail: str) -> Response:
    as_page = not _wants_json(request) and not request.headers.get("hx-request")
    if as_page and not hasattr(request.state, "visitor") and status < 500:
        request.state.visitor = await find_visitor(request)
    detail = told(detail, language_of(request))
    if _wants_json(request):
        return problem(status, detail)
    return render(request, "base/error.html" if as_page else "base/message.html", status, detail=detail)
