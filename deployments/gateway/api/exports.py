"""Routes of exports: make the next one of a target, have its files, see them before, and the accounts they go to."""

from __future__ import annotations

import asyncio
import datetime as dt
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from deployments.gateway.api.schemas import Answer
from deployments.gateway.context import Context
from deployments.gateway.http.auth import Admin, Reader, Reviewer
from deployments.gateway.http.problems import RESPONSES
from deployments.gateway.services.exports import archive_answer, files_answer, make_export, pictures_answer
from flows.exports import account_names, preview, targets
from flows.ledger.exports import (
    AccountRule,
    Period,
    list_accounts,
    list_exports,
    remove_account,
    set_account,
)

router = APIRouter(tags=["exports"], responses=RESPONSES)
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_FILE: dict[int | str, dict[str, Any]] = {200: {"content": {"application/zip": _BINARY, "text/csv": _BINARY}}}
_REFUSED: dict[int | str, dict[str, Any]] = {
    409: {**RESPONSES[404], "description": "The target would refuse some expenses, or no server is set."}
}
_Name = Annotated[str, Field(max_length=40)]


class Days(BaseModel):
    """Days of purchase; bounds are inclusive."""

    model_config = ConfigDict(extra="forbid")

    date_from: dt.date | None = Field(default=None, description="First day of purchase.", examples=["2026-01-01"])
    date_to: dt.date | None = Field(default=None, description="Last day of purchase.")

    @property
    def period(self) -> Period:
        """The same as the ledger takes it; raises InvalidReferenceError if it ends before it begins."""
        return Period(self.date_from, self.date_to)


class ExportRequest(Days):
    """What to export."""

    since_last: bool = Field(default=False, description="Only what came since the export before.")
    leave_out: bool = Field(default=False, description="Leave out what the target would refuse, and name it.")


class ServerExportRequest(BaseModel):
    """What to tell a server."""

    model_config = ConfigDict(extra="forbid")

    leave_out: bool = Field(default=False, description="Leave out what the server would refuse, and name it.")


class StartedExport(Answer):
    """The flow run that tells the server, or the one that is at it already; what became of it is its state."""

    target: str
    flow_run_id: UUID


class FileRequest(Days):
    """Which files."""

    number: int | None = Field(default=None, ge=1, description="Those of this export; the last one's without it.")


class PreviewRequest(Days):
    """What to show."""

    since_last: bool = Field(default=False, description="As the export of the same name.")


class RefusedExpense(Answer):
    """An expense that the target would not take."""

    public_id: str
    what: str
    reason: str


class ChangedExpense(Answer):
    """An expense that the target has otherwise, or has no more to have."""

    public_id: str
    kind: str = Field(examples=["changed", "voided"])
    revision: int


class MadeExport(Answer):
    """An export. `number` is null where nothing was new, changed or voided since the last one."""

    target: str
    number: int | None
    new: int
    changed: int
    voided: int
    refused: int
    refusals: list[RefusedExpense]
    changes: list[ChangedExpense] = Field(description="The first thousand of those changed and voided.")


class ListedExport(Answer):
    """An export of before."""

    target: str
    number: int
    date_from: dt.date | None
    date_to: dt.date | None
    new: int
    changed: int
    voided: int
    created_at: dt.datetime


class Target(Answer):
    """A program, or a format, that expenses are exported to."""

    name: str
    title: str


class Exports(Answer):
    """The targets that there are, and the exports that were made, the last first."""

    targets: list[Target]
    exports: list[ListedExport]


class Preview(Answer):
    """The files of the first ten expenses, by name."""

    files: dict[str, str]
    refusals: list[RefusedExpense]


class Account(Answer):
    """A rule: of this kind, this value goes to this account. An empty target or value stands for all others."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    target: str = Field(default="", max_length=40)
    kind: str = Field(max_length=16, examples=["category"])
    value: str = Field(default="", max_length=200, examples=["Food"])
    account: str = Field(default="", max_length=200, examples=["Expenses:Food"])


@router.get("/exports", summary="List targets and exports")
async def get_exports(caller: Reader, context: Context) -> Exports:
    """What there is."""

    def read() -> Exports:
        with context.ledger.session() as session:
            made = list_exports(caller.owner, session=session)
        known = [Target(name=one.name, title=one.title) for one in targets().values()]
        return Exports(targets=known, exports=[ListedExport.model_validate(one) for one in made])

    return await asyncio.to_thread(read)


@router.get("/exports/accounts", summary="List accounts")
async def get_accounts(caller: Reader, context: Context) -> list[Account]:
    """Which accounts categories, payment methods and taxes go to."""

    def read() -> list[AccountRule]:
        with context.ledger.session() as session:
            return list_accounts(caller.owner, session=session)

    return [Account.model_validate(rule) for rule in await asyncio.to_thread(read)]


@router.put("/exports/accounts", summary="Set an account")
async def put_account(caller: Admin, context: Context, wanted: Account) -> Account:
    """Add a rule, or change the account of the one that there is."""

    def write() -> AccountRule:
        if wanted.target:
            account_names(wanted.target)
        with context.ledger.session() as session:
            return set_account(caller.owner, AccountRule(**wanted.model_dump()), session=session)

    return Account.model_validate(await asyncio.to_thread(write))


@router.delete("/exports/accounts", status_code=204, summary="Remove an account")
async def delete_account(caller: Admin, context: Context, rule: Annotated[Account, Query()]) -> Response:
    """Remove a rule; one that is not there is no error."""

    def write() -> None:
        with context.ledger.session() as session:
            remove_account(caller.owner, AccountRule(**rule.model_dump()), session=session)

    await asyncio.to_thread(write)
    return Response(status_code=204)


@router.get("/exports/pictures", response_class=StreamingResponse, responses=_FILE, summary="The pictures as a zip")
async def get_pictures(caller: Reader, context: Context, days: Annotated[Days, Query()]) -> StreamingResponse:
    """Under the paths that the exported files name."""
    return pictures_answer(context, caller.owner, days.period)


@router.get("/exports/archive/{year}", response_class=StreamingResponse, responses=_FILE, summary="A year as a zip")
async def get_archive(caller: Reader, context: Context, year: int) -> StreamingResponse:
    """For an accountant: CSV, a PDF with a page for each month, the pictures, and a list of hashes."""
    return archive_answer(context, caller.owner, year)


@router.post("/exports/servers/{target}", status_code=202, responses=_REFUSED, summary="Export to a server")
async def post_server_export(
    target: _Name, caller: Reviewer, context: Context, wanted: ServerExportRequest
) -> StartedExport:
    """Tell the owner's server, `actual` or `firefly`, what is new, changed and voided. It is set on the pages."""
    await context.book_servers.require(caller.owner, target)
    run = await context.book_servers.start_export(caller.owner, target, leave_out=wanted.leave_out)
    return StartedExport(target=target, flow_run_id=run)


@router.get("/exports/{target}/preview", summary="See the first ten expenses")
async def get_preview(
    target: _Name, caller: Reader, context: Context, wanted: Annotated[PreviewRequest, Query()]
) -> Preview:
    """As the target will see them; nothing is exported by it."""
    show = partial(preview, context.ledger, caller.owner, target, period=wanted.period, since_last=wanted.since_last)
    files, refusals = await asyncio.to_thread(show)
    return Preview(files=files, refusals=[RefusedExpense.model_validate(one) for one in refusals])


@router.post("/exports/{target}", status_code=201, responses=_REFUSED, summary="Make an export")
async def post_export(target: _Name, caller: Reviewer, context: Context, wanted: ExportRequest) -> MadeExport:
    """The next one of this target: what is new, changed and voided since the last one. Its files are at GET."""
    make = partial(make_export, since_last=wanted.since_last, leave_out=wanted.leave_out)
    return MadeExport.model_validate(await asyncio.to_thread(make, context, caller.owner, target, wanted.period))


@router.get("/exports/{target}", response_class=StreamingResponse, responses=_FILE, summary="The files of an export")
async def get_export_files(
    target: _Name, caller: Reader, context: Context, wanted: Annotated[FileRequest, Query()]
) -> StreamingResponse:
    """One file as it is, several as a zip. Files that are written whole are of everything as it is now."""
    return await files_answer(context, caller.owner, target, wanted.period, wanted.number)
