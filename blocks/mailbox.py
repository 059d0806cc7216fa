"""The block that lets `fetch-mail` read receipts from a mailbox; without one no mail server is ever asked."""

from __future__ import annotations

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

from prefect.blocks.core import Block
from prefect.types import SecretDict
from pydantic import Field, SecretStr, model_validator

Security = Literal["tls", "starttls", "none"]
_SHORTEST_TOKEN = 8


class Mailbox(Block):
    """A mailbox that receipts are sent to, and who may send for whom."""

    _block_type_name = "Mailbox"
    _block_type_slug = "mailbox"
    _logo_url = None
    _description = "IMAP mailbox whose mails are receipts, with who may send for whom."

    host: str = Field(min_length=1, description="The IMAP server.")
    port: int = Field(default=993, gt=0, lt=65536, description="Its port: 993 for tls, 143 for starttls.")
    security: Security = Field(
        default="tls", description="tls, starttls, or none, which is allowed for this machine's own server only."
    )
    certificate_authority: str = Field(
        default="",
        description="Certificate in PEM of who vouches for the servers' certificates, where they are self-made; empty: "
        "those whom this machine trusts.",
    )
    user: str = Field(min_length=1, description="Whom to sign in as.")
    password: SecretStr = Field(
        default=SecretStr(""), description="The password; with many providers one made for this app. Not with OAuth 2."
    )
    oauth_token_url: str = Field(
        default="",
        description="Where OAuth 2 hands out access tokens, for example "
        "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token. Empty: the password signs in.",
    )
    oauth_client_id: str = Field(default="", description="The program that is registered there.")
    oauth_client_secret: SecretStr = Field(default=SecretStr(""), description="Its secret, if it has one.")
    oauth_refresh_token: SecretStr = Field(
        default=SecretStr(""),
        description="What a person's consent has given; a new one takes its place by itself. Empty: the program signs "
        "in for itself (client credentials).",
    )
    oauth_scope: str = Field(
        default="", description="For example https://outlook.office365.com/.default, or https://mail.google.com/."
    )
    folder: str = Field(default="INBOX", description="Folder that is read; every mail in it is taken or refused.")
    taken_folder: str = Field(default="receiptflow-taken", description="Where mails go whose receipts were taken.")
    refused_folder: str = Field(default="receiptflow-refused", description="Where mails go that were refused.")
    tokens: SecretDict = Field(
        default_factory=lambda: SecretDict({}),
        description="Token → owner, for mails to name+TOKEN@…: who knows the address may send. At least "
        f"{_SHORTEST_TOKEN} letters and digits; make them random.",
    )
    senders: dict[str, str] = Field(
        default_factory=dict, description="Sender's address, or @domain → owner: whose mails are taken by their sender."
    )
    authentication_server: str = Field(
        default="",
        description="The receiving server's name as it writes it into Authentication-Results (mx.google.com, for "
        "example). Its findings of DMARC, DKIM and SPF are believed.",
    )
    require_authentication: bool = Field(
        default=True,
        description="Take a mail by its sender only if that server found the sender genuine. Off: anybody who knows an "
        "address of `senders` can send for its owner.",
    )
    max_mail_bytes: int = Field(default=50_000_000, gt=0, description="Largest mail; larger ones are refused unread.")
    max_receipts: int = Field(default=100, gt=0, description="Most receipts of one mail.")
    max_mails: int = Field(default=500, gt=0, description="Most mails of one run; the rest is the next one's.")
    answer_host: str = Field(default="", description="SMTP server for answers to refused mails. Empty: no answers.")
    answer_port: int = Field(default=587, gt=0, lt=65536, description="Its port.")
    answer_security: Security = Field(default="starttls", description="As for the IMAP server.")
    answer_from: str = Field(default="", description="Whom answers are from.")

    @model_validator(mode="after")
    def _is_safe(self) -> Mailbox:
        for host, security in ((self.host, self.security), (self.answer_host, self.answer_security)):
            if host and security == "none" and not _is_this_machine(host):
                raise ValueError(f"{host}: without TLS only a server of this machine is asked; use tls or starttls")
        if self.oauth_token_url and not self.oauth_client_id:
            raise ValueError("oauth_client_id: name the program that is registered at oauth_token_url")
        if not self.oauth_token_url and not self.password.get_secret_value():
            raise ValueError("password: the mailbox needs one, or oauth_token_url")
        token_host = urlsplit(self.oauth_token_url).hostname or ""
        if (
            self.oauth_token_url
            and not self.oauth_token_url.startswith("https://")
            and not _is_this_machine(token_host)
        ):
            raise ValueError("oauth_token_url: secrets are sent there, by https:// only")
        if any(len(token) < _SHORTEST_TOKEN or not token.isalnum() for token in self.tokens.get_secret_value()):
            raise ValueError(f"tokens: each needs at least {_SHORTEST_TOKEN} letters and digits, nothing else")
        if any("@" not in address for address in self.senders):
            raise ValueError("senders: each is an address, or @ and a domain")
        if self.senders and self.require_authentication and not self.authentication_server:
            raise ValueError(
                "authentication_server: name the receiving server, whose Authentication-Results tell genuine senders; "
                "or use tokens instead of senders"
            )
        if self.answer_host and "@" not in self.answer_from:
            raise ValueError("answer_from: an address that answers are from")
        return self


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
