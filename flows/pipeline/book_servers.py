"""An owner's books on a server, as the owner's block has it: `actual-server/<owner>`, `firefly-server/<owner>`.

One block an owner and target. Whoever has none is told so before anything is asked.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import ValidationError

from blocks import ActualServer, FireflyServer
from flows.domain.errors import ConfigurationError
from flows.exports import (
    ActualTarget,
    BookServer,
    FireflyTarget,
    OpenOriginal,
    UnknownTargetError,
    open_actual,
    open_firefly,
)

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

Server = ActualServer | FireflyServer
SERVERS: dict[str, type[Server]] = {"actual": ActualServer, "firefly": FireflyServer}
_FITS = re.compile(r"(?=.{1,80}$)[a-z0-9]+(-[a-z0-9]+)*")
_UNFIT = re.compile(r"[^a-z0-9]+")


class NoServerError(ConfigurationError):
    """An owner has no server for a target."""

    def __init__(self, target: str, name: str) -> None:
        self.target, self.name = target, name
        slug = server_kind(target).get_block_type_slug()
        super().__init__(
            f"no server is known for {target}: set it on the page Exports, or make a block {slug}/{name} in "
            "Prefect's UI, with the server's address and its secret"
        )


def server_kind(target: str) -> type[Server]:
    """The block type of a target.

    Raises:
        UnknownTargetError: It is none that has a server.
    """
    if target not in SERVERS:
        raise UnknownTargetError(target, list(SERVERS))
    return SERVERS[target]


def owner_slug(owner: str) -> str:
    """An owner as a part of names in Prefect, which take small letters, digits and dashes; no two are the same."""
    if _FITS.fullmatch(owner):
        return owner
    plain = _UNFIT.sub("-", owner.casefold()).strip("-")[:40]
    return f"{plain or 'owner'}--{hashlib.sha256(owner.encode()).hexdigest()[:12]}"


def run_tags(owner: str, target: str) -> list[str]:
    """The tags of a flow run that exports an owner's expenses to a target."""
    return [f"owner:{owner}", f"export:{target}"]


async def load_server(target: str, owner: str, name: str = "", client: PrefectClient | None = None) -> Server:
    """The server that an owner's books are on.

    Args:
        target: actual or firefly.
        owner: Whose.
        name: Of the block; empty for the owner's own.
        client: Of Prefect; a new one without it.

    Raises:
        NoServerError: There is no such block.
        ConfigurationError: It holds what it may not.
    """
    kind, wanted = server_kind(target), name or owner_slug(owner)
    try:
        return await kind.aload(wanted, client=client)
    except ValueError as error:  # so Prefect says that there is none
        raise NoServerError(target, wanted) from error
    except RuntimeError as error:  # and so that it does not hold what its class takes
        if not isinstance(error.__cause__, ValidationError):
            raise
        raise ConfigurationError(
            f"the block {kind.get_block_type_slug()}/{wanted} holds what it may not: correct it in the Prefect UI. "
            f"({error.__cause__})"
        ) from error


def target_of(server: Server) -> ActualTarget | FireflyTarget:
    """What this server is told of expenses; asks it nothing."""
    return (
        ActualTarget(server.currency) if isinstance(server, ActualServer) else FireflyTarget(pictures=server.pictures)
    )


@contextmanager
def open_server(server: Server, open_original: OpenOriginal | None = None) -> Iterator[BookServer]:
    """What this server has, opened.

    Args:
        server: Which.
        open_original: Opens a picture, for servers that take them.

    Raises:
        BooksRefusedError: It refuses the secret, or has no such budget.
        BooksUnavailableError: It does not answer as needed.
    """
    if isinstance(server, FireflyServer):
        wanted = open_original if server.pictures else None
        with open_firefly(server.url, server.token.get_secret_value(), wanted) as firefly:
            yield firefly
        return
    secrets = server.password.get_secret_value(), server.encryption_password.get_secret_value()
    with open_actual(server.url, secrets[0], server.budget, server.currency, secrets[1]) as actual:
        yield actual
