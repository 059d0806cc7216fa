"""Access tokens for mail servers that take no passwords: OAuth 2 (RFC 6749), used by SASL's XOAUTH2.

Google and Microsoft name the mechanism so (developers.google.com/gmail/imap/xoauth2-protocol).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import httpx

from flows.domain.errors import ConfigurationError
from flows.mail.errors import MailServerUnavailableError

_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class OAuthClient:
    """Who asks for tokens: for a person who has agreed (`refresh_token`), or, without one, for the program itself."""

    token_url: str
    client_id: str
    client_secret: str
    refresh_token: str
    scope: str

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"{self.client_id} at {self.token_url}"


class Granted(NamedTuple):
    """A token for the next hour. `refresh_token` is what takes the place of the last one; empty where it stays."""

    access_token: str
    refresh_token: str


def grant(client: OAuthClient) -> Granted:
    """Ask for an access token.

    Raises:
        ConfigurationError: The client, its secret or the refresh token is refused.
        MailServerUnavailableError: Nobody answers as needed.
    """
    form = {"client_id": client.client_id, "client_secret": client.client_secret, "scope": client.scope}
    kind = {"grant_type": "refresh_token", "refresh_token": client.refresh_token}
    asked = form | (kind if client.refresh_token else {"grant_type": "client_credentials"})
    try:
        answer = httpx.post(client.token_url, data={k: v for k, v in asked.items() if v}, timeout=_TIMEOUT_SECONDS)
        told = answer.json()
    except (httpx.TransportError, ValueError) as error:
        raise MailServerUnavailableError(f"No token is had from {client!r}: {error}") from error
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise MailServerUnavailableError(f"No token is had from {client!r}: it answers {answer.status_code}")
    if not answer.is_success or not isinstance(told, dict) or not told.get("access_token"):
        why = " ".join(
            str(told[name]) for name in ("error", "error_description") if isinstance(told, dict) and told.get(name)
        )
        raise ConfigurationError(
            f"{client!r} is refused a token for the mailbox: {why or answer.status_code}. Correct the client in the "
            "mailbox's block, or have its owner agree once more and put the new refresh token there."
        )
    fresh = str(told.get("refresh_token") or "")
    return Granted(str(told["access_token"]), fresh if fresh != client.refresh_token else "")


def xoauth2(user: str, access_token: str) -> str:
    """What SASL's XOAUTH2 sends first."""
    return f"user={user}\x01auth=Bearer {access_token}\x01\x01"
