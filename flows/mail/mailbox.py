"""A mailbox on an IMAP server, through imap-tools: what waits in it, and where a mail goes once it was decided on.

The mailbox is its own record: a mail is in the folder that is read until it is taken or refused, and then in the folder
that says which.
"""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from imap_tools.errors import ImapToolsError, MailboxLoginError
from imap_tools.mailbox import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted

from flows.domain.errors import ConfigurationError
from flows.mail.errors import MailServerUnavailableError

_TIMEOUT_SECONDS = 60.0
_TRY = "receiptflow-try-"


@dataclass(frozen=True)
class MailServer:
    """Where a mailbox is.

    `security` is tls, starttls or none; with an access `token` (OAuth 2) the password is not used. `authority` is the
    certificate, in PEM, of who vouches for the server's one, where that is nobody whom this machine knows.
    """

    host: str
    port: int
    security: str
    user: str
    password: str
    folder: str = "INBOX"
    authority: str = ""
    token: str = ""

    def __repr__(self) -> str:
        """Without the password."""
        return f"{self.user} at {self.host}:{self.port}"


@dataclass(frozen=True)
class WaitingMail:
    """A mail that nobody has decided on. `tries` is how often somebody began to."""

    uid: str
    size_bytes: int
    tries: int


class OpenMailbox:
    """One folder of a mailbox, open to be read and emptied."""

    def __init__(self, box: BaseMailBox) -> None:
        self._box = box

    def waiting(self) -> list[WaitingMail]:
        """All mails of the folder, the oldest first."""
        uids = self._box.uids("UNDELETED")
        found: list[WaitingMail] = []
        for first in range(0, len(uids), 500):
            found += self._sizes(uids[first : first + 500])
        return sorted(found, key=lambda mail: int(mail.uid))

    def _sizes(self, uids: Sequence[str]) -> Iterator[WaitingMail]:
        _, answers = self._box.client.uid("FETCH", ",".join(uids), "(UID RFC822.SIZE FLAGS)")
        for answer in answers:
            words = (answer if isinstance(answer, bytes) else b"").decode(errors="replace")
            if "RFC822.SIZE" in words:
                flags = {flag.decode().lower() for flag in imaplib.ParseFlags(words.encode())}
                tries = sum(flag.startswith(_TRY) for flag in flags)
                yield WaitingMail(_number_after("UID ", words), int(_number_after("RFC822.SIZE ", words)), tries)

    def raw(self, mail: WaitingMail) -> bytes:
        """The mail's bytes; it stays unread. Empty if somebody moved it meanwhile."""
        _, answers = self._box.client.uid("FETCH", mail.uid, "(BODY.PEEK[])")
        return next((answer[1] for answer in answers if isinstance(answer, tuple)), b"")

    @property
    def can_idle(self) -> bool:
        """Whether the server tells of new mail by itself (RFC 2177)."""
        return "IDLE" in self._box.client.capabilities

    def idle(self, *, until: Callable[[], bool], poll_seconds: float) -> None:
        """Have the server tell of changes, until it tells of one."""
        self._box.idle.start()  # type: ignore[no-untyped-call]  # imap-tools names no types here
        try:
            while not until() and not self._box.idle.poll(timeout=poll_seconds):
                pass
        finally:
            self._box.idle.stop()  # type: ignore[no-untyped-call]

    def begin(self, mail: WaitingMail) -> None:
        """Note a try with the mail, so that one that ends our process is given up some time."""
        if self._keeps_keywords():
            self._box.flag(mail.uid, f"{_TRY}{mail.tries + 1}", True)

    def file(self, mail: WaitingMail, folder: str, keyword: str = "") -> None:
        """Move the mail to another folder, which is made if need be."""
        if keyword and self._keeps_keywords():
            self._box.flag(mail.uid, keyword, True)
        if not self._box.folder.exists(folder):
            self._box.folder.create(folder)
        self._box.move(mail.uid, folder)

    def _keeps_keywords(self) -> bool:
        """Whether the server lets mails have keywords of our own (RFC 9051, 7.1: PERMANENTFLAGS)."""
        _, flags = self._box.client.response("PERMANENTFLAGS")
        self._box.client.untagged_responses["PERMANENTFLAGS"] = flags  # imaplib forgets what was asked for
        return any(b"\\*" in (flag or b"") for flag in flags)


@contextmanager
def open_mailbox(server: MailServer) -> Iterator[OpenMailbox]:
    """Sign in and select the folder; signs out at the end.

    Raises:
        ConfigurationError: the server refuses the user, the password or the folder, or nobody vouches for it.
        MailServerUnavailableError: the server is away, or breaks off.
    """
    try:
        with _signed_in(server) as box:
            _ask_capabilities(box)
            yield OpenMailbox(box)
    except ssl.SSLCertVerificationError as error:
        raise ConfigurationError(
            f"The certificate of the mail server {server.host} is not to be trusted ({error.verify_message}): use the "
            "name that it was made for, or put the certificate of who vouches for it into the mailbox's block "
            "(certificate_authority)."
        ) from error
    except MailboxLoginError as error:
        raise ConfigurationError(
            f"The mail server refuses {server!r}: correct user and password in the mailbox's block; many providers "
            "want a password made for one app."
        ) from error
    except (ImapToolsError, imaplib.IMAP4.error, OSError) as error:
        raise MailServerUnavailableError(
            f"The mail server does not answer as it should ({server!r}): {error}"
        ) from error


def _signed_in(server: MailServer) -> BaseMailBox:
    box = _connected(server)
    if server.token:
        try:
            return box.xoauth2(server.user, server.token, initial_folder=server.folder)
        except imaplib.IMAP4.abort:  # the server broke off
            raise
        except imaplib.IMAP4.error as error:
            raise ConfigurationError(
                f"The mail server refuses the access token of {server!r}: the program needs the right to read this "
                f"mailbox by IMAP, and the token the scope for it. ({error})"
            ) from error
    return box.login(server.user, server.password, initial_folder=server.folder)


def _connected(server: MailServer) -> BaseMailBox:
    """A connection to the server that the name stands for: imaplib by itself would take any certificate."""
    if server.security == "none":
        return MailBoxUnencrypted(server.host, server.port, timeout=_TIMEOUT_SECONDS)
    kind = MailBoxStartTls if server.security == "starttls" else MailBox
    context = trusting(server.authority)
    return kind(server.host, server.port, timeout=_TIMEOUT_SECONDS, ssl_context=context)


def trusting(authority: str) -> ssl.SSLContext:
    """TLS that trusts this authority alone (PEM), or, without one, those that the machine knows.

    Raises:
        ConfigurationError: It is no certificate.
    """
    try:
        return ssl.create_default_context(cadata=authority or None)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationError(f"certificate_authority: this is no certificate in PEM: {error}") from error


def _ask_capabilities(box: BaseMailBox) -> None:
    """Servers tell all that they can once somebody signed in; imaplib remembers what they said before that."""
    _, answers = box.client.capability()
    box.client.capabilities = tuple((answers[0] or b"").decode().upper().split())


def _number_after(name: str, words: str) -> str:
    digits = words.partition(name)[2]
    return digits[: len(digits) - len(digits.lstrip("0123456789"))]
