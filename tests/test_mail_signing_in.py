"""Signing in to a mail server: only to the one that it says it is, by password or by an access token of OAuth 2."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from export_programs import DEBIAN_PROGRAMS
from mail_helpers import dovecot, dovecot_with_tls, has_dovecot
from oauth_server import running_oauth

from blocks import Mailbox
from flows.domain.errors import ConfigurationError
from flows.mail import MailServerUnavailableError, OAuthClient, grant, open_mailbox


@pytest.mark.skipif(not has_dovecot() and not os.environ.get(DEBIAN_PROGRAMS), reason="apt install dovecot-imapd")
def test_the_mail_server_has_to_be_the_one_that_it_says(tmp_path: Path) -> None:
    """Who stands between would have the password, and the mails."""
    with dovecot_with_tls(tmp_path) as servers:
        for server in servers:
            with open_mailbox(server) as box:
                assert box.waiting() == []
            for stranger in (replace(server, authority=""), replace(server, host="localhost")):
                with pytest.raises(ConfigurationError, match="is not to be trusted"), open_mailbox(stranger):
                    pass
        with (
            pytest.raises(ConfigurationError, match="certificate_authority"),
            open_mailbox(replace(servers[0], authority="x")),
        ):
            pass


@pytest.mark.skipif(not has_dovecot() and not os.environ.get(DEBIAN_PROGRAMS), reason="apt install dovecot-imapd")
def test_an_access_token_signs_in_where_it_is_the_users(tmp_path: Path) -> None:
    with running_oauth() as oauth, dovecot(introspection=oauth.url) as server:
        client = OAuthClient(f"{oauth.url}/token", "receiptflow", oauth.secret, "first", "imap")
        granted = grant(client)
        assert granted.refresh_token == "first+"
        with open_mailbox(replace(server, token=granted.access_token, password="")) as box:
            assert box.waiting() == []
        with (
            pytest.raises(ConfigurationError, match="refuses the access token"),
            open_mailbox(replace(server, token="another")),
        ):
            pass
        assert grant(replace(client, refresh_token="")).access_token != granted.access_token  # for the program itself
        with pytest.raises(ConfigurationError, match="The refresh token has expired"):
            grant(client)
        with pytest.raises(ConfigurationError, match="invalid_client"):
            grant(replace(client, client_secret="wrong"))
        oauth.status = 503
        with pytest.raises(MailServerUnavailableError, match="503"):
            grant(client)
        assert oauth.secret not in repr(client)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"password": ""}, "password"),
        ({"oauth_token_url": "https://login.example/token"}, "oauth_client_id"),
        ({"oauth_token_url": "http://login.example/token", "oauth_client_id": "x"}, "https"),
    ],
)
def test_a_block_that_cannot_sign_in_is_refused(changes: dict[str, Any], named: str) -> None:
    values = {"host": "mail.example", "user": "receipts", "password": "x", "tokens": {"k7Qp2xWz": "anna"}}
    with pytest.raises(ValueError, match=named):
        Mailbox(**values | changes)
