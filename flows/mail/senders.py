"""Who may send for whom: by a secret in the address that a mail came to, or by who sent it."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from flows.mail.authentication import is_authenticated
from flows.mail.errors import MailRefusedError, Refusal
from flows.mail.message import Mail


@dataclass(frozen=True)
class SenderRules:
    """Who may send for whom.

    Args:
        tokens: What stands behind the + of the address that a mail comes to → owner. Whoever knows it may send.
        senders: Sender's address, or `@domain` → owner.
        server: The receiving server's authserv-id, whose results are believed; empty: none are.
        require_authentication: Take a mail by its sender only if that server found the sender to be genuine.
    """

    tokens: Mapping[str, str] = field(default_factory=dict)
    senders: Mapping[str, str] = field(default_factory=dict)
    server: str = ""
    require_authentication: bool = True


def owner_of_mail(mail: Mail, rules: SenderRules) -> str:
    """Whose receipts a mail brings.

    Raises:
        MailRefusedError: nobody's, or its sender cannot be believed.
    """
    owner = _by_token(mail, rules.tokens)
    if owner is not None:
        return owner
    owner = _by_sender(mail, rules.senders)
    if owner is None:
        raise MailRefusedError(
            Refusal.SENDER_UNKNOWN,
            f"Mails from {mail.sender or 'more than one sender, or none,'} are not taken here. Send from an address "
            "that is known, or to the address with your token.",
        )
    if rules.require_authentication and not is_authenticated(mail, rules.server):
        raise MailRefusedError(
            Refusal.NOT_AUTHENTICATED,
            f"It could not be proved that this mail is from {mail.sender}: neither DMARC, DKIM nor SPF passed for "
            f"{mail.sender_domain}. Send it through that domain's own mail server, or to the address with your token.",
        )
    return owner


def _by_token(mail: Mail, tokens: Mapping[str, str]) -> str | None:
    for address in mail.recipients:
        _, plus, token = address.rpartition("@")[0].partition("+")
        for known, owner in tokens.items():
            if plus and hmac.compare_digest(token.encode(), known.lower().encode()):
                return owner
    return None


def _by_sender(mail: Mail, senders: Mapping[str, str]) -> str | None:
    known = {address.lower(): owner for address, owner in senders.items()}
    if not mail.sender:
        return None
    return known.get(mail.sender) or known.get(f"@{mail.sender_domain}")
