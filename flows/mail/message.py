"""A mail as its headers tell it: from whom, to which addresses, under which id. Every header is its sender's word."""

from __future__ import annotations

import email
import hashlib
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parseaddr

from flows.mail.errors import MailRefusedError, Refusal

# Where receiving servers note the address that a mail really came for, then what its sender wrote.
_RECIPIENTS = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to", "cc")
_LONGEST_HEADER = 1000


@dataclass(frozen=True)
class Mail:
    """One parsed mail. `id` is its Message-ID, or the hash of its bytes where it has none."""

    message: Message
    id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str

    @property
    def key(self) -> str:
        """The mail as a folder's name; the same whenever it is fetched."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:24]

    @property
    def sender_domain(self) -> str:
        """The part of the sender's address behind the @."""
        return self.sender.rpartition("@")[2]


def parse_mail(raw: bytes) -> Mail:
    """Parse a mail.

    Raises:
        MailRefusedError: it is nested more deeply than Python can parse.
    """
    try:
        message = email.message_from_bytes(raw)
    except RecursionError as error:
        raise MailRefusedError(
            Refusal.TOO_DEEP, "The mail holds mails in mails too deeply; send the receipt itself."
        ) from error
    identity = header(message, "message-id").strip()
    return Mail(
        message,
        id=identity or f"sha256:{hashlib.sha256(raw).hexdigest()}",
        sender=_sender(message),
        recipients=tuple(_addresses(message, *_RECIPIENTS)),
        subject=header(message, "subject"),
    )


def header(message: Message, name: str) -> str:
    """The first header of this name as text, on one line and bounded; empty if there is none."""
    value = message.get(name, "")
    try:
        text = str(make_header(decode_header(value)))
    except (ValueError, LookupError):  # a charset or an encoding that does not exist
        text = str(value)
    return " ".join(text.split())[:_LONGEST_HEADER]


def _sender(message: Message) -> str:
    """The one address in From, or nothing: a second one could be anybody's."""
    found = _addresses(message, "from")
    return found[0] if len(found) == 1 else ""


def _addresses(message: Message, *names: str) -> list[str]:
    values = [str(value) for name in names for value in message.get_all(name, [])]
    found = [address.strip().lower() for _, address in getaddresses(values)]
    return [address for address in found if address.rpartition("@")[0] and parseaddr(address)[1] == address]
