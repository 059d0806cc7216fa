"""The answer to a refused mail: to its genuine sender only, once, and never to a machine (RFC 3834)."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from flows.mail.authentication import is_authenticated
from flows.mail.errors import MailRefusedError
from flows.mail.mailbox import trusting
from flows.mail.message import Mail, header
from flows.mail.oauth import xoauth2

_TIMEOUT_SECONDS = 30.0
_BULK = {"bulk", "junk", "list"}
_ROBOTS = ("mailer-daemon@", "postmaster@", "noreply@", "no-reply@", "donotreply@", "do-not-reply@")


@dataclass(frozen=True)
class AnswerServer:
    """Where answers are handed in. `security` is tls, starttls or none; without a user nobody signs in."""

    host: str
    port: int
    security: str
    user: str
    password: str
    sender: str
    authority: str = ""
    token: str = ""

    def __repr__(self) -> str:
        """Without the password."""
        return f"{self.sender} by {self.host}:{self.port}"


def may_be_answered(mail: Mail, server: str) -> bool:
    """Whether the sender is a person, and the one that From names: to answer a forged sender would hit somebody else.

    Args:
        mail: The mail.
        server: The receiving server's authserv-id, whose results are believed.
    """
    message = mail.message
    automatic = header(message, "auto-submitted").lower() not in {"", "no"}
    bulk = header(message, "precedence").lower() in _BULK or "list-id" in message
    bounce = header(message, "return-path") == "<>" or mail.sender.startswith(_ROBOTS)
    return not (automatic or bulk or bounce) and is_authenticated(mail, server)


def answer_to(mail: Mail, refused: MailRefusedError, sender: str) -> EmailMessage:
    """The answer. Nothing of the mail's text is in it: it could be somebody else's message that we would deliver."""
    answer = EmailMessage()
    answer["From"], answer["To"] = sender, mail.sender
    answer["Subject"] = "Your receipt was not taken"
    answer["Date"], answer["Message-ID"] = formatdate(), make_msgid(domain=sender.rpartition("@")[2])
    answer["Auto-Submitted"] = "auto-replied"
    if not mail.id.startswith("sha256:"):
        answer["In-Reply-To"] = answer["References"] = mail.id
    answer.set_content(
        f"Your mail was not taken as a receipt.\n\n{refused.reason}\n\nThis answer was sent by a program.\n"
    )
    return answer


def send_answer(answer: EmailMessage, server: AnswerServer) -> None:
    """Hand an answer in.

    Raises:
        OSError: the server is away or refuses; `smtplib.SMTPException` is one.
    """
    context = trusting(server.authority)
    with _connected(server, context) as smtp:
        if server.security == "starttls":
            smtp.starttls(context=context)
        if server.user and server.token:
            smtp.ehlo_or_helo_if_needed()
            smtp.auth("XOAUTH2", lambda _challenge=None: xoauth2(server.user, server.token))
        elif server.user:
            smtp.login(server.user, server.password)
        # No bounce for an answer: RFC 3834, 3.
        smtp.send_message(answer, from_addr="", to_addrs=[str(answer["To"])])


def _connected(server: AnswerServer, context: ssl.SSLContext) -> smtplib.SMTP:
    if server.security == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_SECONDS, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_SECONDS)
