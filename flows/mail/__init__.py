"""Receipts that come by mail: what is in a mail, who may send for whom, and one pass over a mailbox."""

from flows.mail.answers import AnswerServer
from flows.mail.collect import Collected, MailPolicy, collect
from flows.mail.errors import MailRefusedError, MailServerUnavailableError, Refusal
from flows.mail.idle import wait_for_mail
from flows.mail.mailbox import MailServer, OpenMailbox, open_mailbox
from flows.mail.message import Mail, parse_mail
from flows.mail.oauth import OAuthClient, grant
from flows.mail.parts import MailContents, MailLimits, MailPart, contents_of
from flows.mail.senders import SenderRules, owner_of_mail

__all__ = [
    "AnswerServer",
    "Collected",
    "Mail",
    "MailContents",
    "MailLimits",
    "MailPart",
    "MailPolicy",
    "MailRefusedError",
    "MailServer",
    "MailServerUnavailableError",
    "OAuthClient",
    "OpenMailbox",
    "Refusal",
    "SenderRules",
    "collect",
    "contents_of",
    "grant",
    "open_mailbox",
    "owner_of_mail",
    "parse_mail",
    "wait_for_mail",
]
