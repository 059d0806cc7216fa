"""Servers that owners' books are on: kept as blocks in Prefect, tried, and told by flow runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from pydantic import ValidationError

from deployments.gateway.http.problems import RefusedError
from flows.domain.pages import flow_run_page
from flows.flow_runs.submission import OrchestratorUnavailableError
from flows.notifications import DeliveryFailedError, TargetRefusedError, require_allowed
from flows.pipeline.book_servers import (
    NoServerError,
    Server,
    load_server,
    open_server,
    owner_slug,
    run_tags,
    server_kind,
)

_DEPLOYMENT = "export-expenses"
_ANSWER_SECONDS = 10.0
_RUNS_SHOWN = 5
_SECRETS = {"password", "token", "encryption_password"}


@dataclass(frozen=True, slots=True)
class ExportRun:
    """One flow run that exported, or is to. `message` is what its state says: what was told, or why it was not.

    `page` is where Prefect's UI shows it; None where that is not known.
    """

    id: UUID
    state: str
    message: str
    at: datetime | None
    is_under_way: bool
    page: str | None


class BookServers:
    """The servers of all owners.

    Args:
        client: Of Prefect.
        allow_private: Whether a server may have an address that is not public.
        prefect_ui_url: Where browsers reach Prefect's UI; empty where that is not known.
    """

    def __init__(self, client: PrefectClient, *, allow_private: bool, prefect_ui_url: str = "") -> None:
        self._client, self._allow_private, self._prefect_ui_url = client, allow_private, prefect_ui_url

    async def find(self, owner: str, target: str) -> Server | None:
        """The owner's server; None if there is none."""
        try:
            return await self.require(owner, target)
        except NoServerError:
            return None

    async def require(self, owner: str, target: str) -> Server:
        """The owner's server.

        Raises:
            NoServerError: There is none.
        """
        async with _prefect():
            return await load_server(target, owner, client=self._client)

    async def save(self, owner: str, target: str, fields: dict[str, str]) -> Server:
        """Keep a server; a secret that is left empty stays as it was, while the address is the same.

        Raises:
            RefusedError: A field cannot be what it is to be; the message names it.
        """
        kind, known = server_kind(target), await self.find(owner, target)
        wanted: dict[str, Any] = {name: fields.get(name, "").strip() for name in _fields_of(kind)}
        if known is not None and known.url == wanted["url"]:
            wanted |= {name: getattr(known, name) for name in _SECRETS & wanted.keys() if not wanted[name]}
        if "pictures" in kind.model_fields:
            wanted["pictures"] = fields.get("pictures") == "1"
        missing = [name for name in ("password", "token") if name in wanted and not wanted[name]]
        if missing:
            raise RefusedError(422, f"{missing[0]}: it is needed, and again whenever the address changes")
        try:
            server = kind(**wanted)
        except ValidationError as error:
            told = "; ".join(f"{entry['loc'][-1]}: {entry['msg']}" for entry in error.errors())
            raise RefusedError(422, told) from error
        await self._require_allowed(server)
        async with _prefect():
            await server.asave(owner_slug(owner), overwrite=True, client=self._client)
        return server

    async def remove(self, owner: str, target: str) -> None:
        """Keep it no more; one that is not there is no error."""
        async with _prefect():
            try:
                await server_kind(target).adelete(owner_slug(owner), client=self._client)
            except ValueError:  # so Prefect says that there is none
                return

    async def describe(self, server: Server) -> str:
        """Ask a server which books it has.

        Raises:
            BooksRefusedError: It refuses the secret, or has no such budget.
            BooksUnavailableError: It does not answer as needed.
        """
        await self._require_allowed(server)
        return await asyncio.to_thread(_describe, server)

    async def start_export(self, owner: str, target: str, *, leave_out: bool = False) -> UUID:
        """Start a run of the target's deployment, unless one of the owner's is under way already; its id."""
        for run in await self.last_runs(owner, target):
            if run.is_under_way:
                return run.id
        async with _prefect():
            try:
                deployment = await self._client.read_deployment_by_name(f"{_DEPLOYMENT}/{target}")
            except ObjectNotFound as error:
                raise OrchestratorUnavailableError(f"there is no deployment {_DEPLOYMENT}/{target}") from error
            made = await self._client.create_flow_run_from_deployment(
                deployment.id,
                parameters={"target": target, "owner": owner, "leave_out": leave_out},
                tags=[*deployment.tags, *run_tags(owner, target)],
                name=f"{owner} to {target}",
            )
            return made.id

    async def last_runs(self, owner: str, target: str) -> list[ExportRun]:
        """The last runs that export an owner's expenses to a target, the newest first."""
        wanted = FlowRunFilter(tags=FlowRunFilterTags(all_=run_tags(owner, target)))
        async with _prefect():
            runs = await self._client.read_flow_runs(
                flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=_RUNS_SHOWN
            )
        return [self._shown(run) for run in runs]

    def _shown(self, run: FlowRun) -> ExportRun:
        is_final = run.state is not None and run.state.is_final()
        # What Prefect says of a run on its way is about its process.
        message = (run.state.message or "") if run.state and is_final else ""
        at = run.end_time or run.start_time or run.expected_start_time
        page = flow_run_page(self._prefect_ui_url, run.id)
        return ExportRun(run.id, run.state_name or "", message, at, not is_final, page)

    async def _require_allowed(self, server: Server) -> None:
        try:
            await require_allowed(server.url, allow_private=self._allow_private)
        except TargetRefusedError as error:
            raise RefusedError(
                422,
                f"url: {error} Servers at http:// or in a private network are let in by "
                "RECEIPTFLOW_EXPORTS_ALLOW_PRIVATE=true in the gateway's environment.",
            ) from error
        except DeliveryFailedError as error:
            raise RefusedError(422, f"url: {error}") from error


@asynccontextmanager
async def _prefect() -> AsyncIterator[None]:
    """Prefect's absence as ours."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            yield
    except (httpx.HTTPError, TimeoutError) as error:
        raise OrchestratorUnavailableError(f"Prefect does not answer: {error!r}") from error


def _fields_of(kind: type[Server]) -> list[str]:
    known = ("url", "password", "token", "budget", "currency", "encryption_password")
    return [name for name in known if name in kind.model_fields]


def _describe(server: Server) -> str:
    with open_server(server) as books:
        return books.describe()
