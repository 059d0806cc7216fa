"""One pass over a mailbox: each mail is taken (its receipts stored and received) or refused, then moved.

Order for one mail: note the try, fetch, decide whose it is, store each receipt under a key that the mail's Message-ID
and the part name, receive all in one transaction, move the mail. Wherever this ends in between, the next pass does the
same again and finds what is there already; an object that nobody received is found by the sweep.
"""

from __future__ import annotations

import logging
import mimetypes
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from flows.domain.errors import ReceiptflowError
from flows.ledger.receipts import receive_many
from flows.ledger.schema import Source
from flows.ledger.values import ReceivedObject
from flows.mail.answers import AnswerServer, answer_to, may_be_answered, send_answer
from flows.mail.errors import MailRefusedError, Refusal
from flows.mail.invoice_pairs import without_second_showings
from flows.mail.mailbox import OpenMailbox, WaitingMail
from flows.mail.message import Mail, parse_mail
from flows.mail.parts import MailLimits, MailPart, contents_of
from flows.mail.senders import SenderRules, owner_of_mail
from flows.pipeline.configuration import Pipeline
from flows.storage import put_file

_log = logging.getLogger("receiptflow.mail")
MOST_TRIES = 3


@dataclass(frozen=True)
class MailPolicy:
    """What is done with the mails of one mailbox."""

    rules: SenderRules
    limits: MailLimits
    taken_folder: str
    refused_folder: str
    max_mails: int
    answers: AnswerServer | None = None


@dataclass
class Collected:
    """What one pass did. `refused` are sender, Message-ID, and reason; for people."""

    taken: int = 0
    receipt_ids: list[UUID] = field(default_factory=list)
    new: int = 0
    refused: list[tuple[str, str, str]] = field(default_factory=list)
    answered: int = 0
    passed_over: list[str] = field(default_factory=list)
    left: int = 0

    def in_words(self) -> str:
        """One sentence for people."""
        return (
            f"{self.taken} mails taken with {len(self.receipt_ids)} receipts, {self.new} of them new; "
            f"{len(self.refused)} mails refused, {self.answered} of them answered; {self.left} left for the next run"
        )


def collect(pipeline: Pipeline, mailbox: OpenMailbox, policy: MailPolicy) -> Collected:
    """Decide on every mail that waits, the oldest first, at most so many as the policy says."""
    waiting = mailbox.waiting()
    collected = Collected(left=max(len(waiting) - policy.max_mails, 0))
    answered: set[str] = set()
    for one in waiting[: policy.max_mails]:
        mail: Mail | None = None
        try:
            mail = _fetch(mailbox, one, policy.limits)
            if mail is not None:
                _take(pipeline, mail, policy, collected)
                mailbox.file(one, policy.taken_folder)
                collected.taken += 1
        except MailRefusedError as refused:
            _note(mail, refused, collected)
            # Moved before it is answered: a crash in between leaves a mail without its answer, not with two.
            mailbox.file(one, policy.refused_folder, f"receiptflow-{refused.code}")
            if mail is not None and mail.sender not in answered:
                collected.answered += _answer(mail, refused, policy)
                answered.add(mail.sender)
    return collected


def _fetch(mailbox: OpenMailbox, one: WaitingMail, limits: MailLimits) -> Mail | None:
    """The parsed mail; None if somebody moved it meanwhile."""
    if one.size_bytes > limits.max_mail_bytes:
        raise MailRefusedError(
            Refusal.TOO_LARGE, f"The mail has {one.size_bytes:,} bytes; at most {limits.max_mail_bytes:,} are taken."
        )
    if one.tries >= MOST_TRIES:
        raise MailRefusedError(
            Refusal.UNREADABLE, f"The mail could not be read in {MOST_TRIES} tries; send the receipt as a PDF or photo."
        )
    mailbox.begin(one)
    raw = mailbox.raw(one)
    with _reading():
        return parse_mail(raw) if raw else None


@contextmanager
def _reading() -> Iterator[None]:
    """What Python's parser stumbles over inside would be the same the next time: the mail is refused."""
    try:
        yield
    except ReceiptflowError:
        raise
    except Exception as error:
        _log.warning("a mail cannot be parsed", exc_info=True)
        raise MailRefusedError(
            Refusal.UNREADABLE, f"The mail is not well formed ({type(error).__name__}); send the receipt as a PDF."
        ) from error


def _take(pipeline: Pipeline, mail: Mail, policy: MailPolicy, collected: Collected) -> None:
    owner = owner_of_mail(mail, policy.rules)
    with _reading():
        contents = contents_of(mail.message, policy.limits)
        receipts, second = without_second_showings(contents.receipts)
    objects = [_store(pipeline, owner, mail, part) for part in receipts]
    with pipeline.ledger.session() as session:
        receptions = receive_many(objects, session=session)
    collected.receipt_ids += [one.receipt_id for one in receptions]
    collected.new += sum(one.created for one in receptions)
    collected.passed_over += [*contents.passed_over, *second]


def _store(pipeline: Pipeline, owner: str, mail: Mail, part: MailPart) -> ReceivedObject:
    content_type = mimetypes.guess_type(part.name)[0] or "application/octet-stream"
    folder = f"mail/{mail.key}/{part.path.strip('.') or '0'}"
    put = put_file(pipeline.inbox(), owner, part.name, part.data, content_type=content_type, folder=folder)
    return ReceivedObject.of(put.version, Source.MAIL, owner=owner)


def _note(mail: Mail | None, refused: MailRefusedError, collected: Collected) -> None:
    sender, identity = (mail.sender, mail.id) if mail else ("", "")
    collected.refused.append((sender, identity, refused.reason))
    _log.warning("mail refused: %s", refused.code, extra={"message_id": identity})


def _answer(mail: Mail, refused: MailRefusedError, policy: MailPolicy) -> bool:
    """Whether an answer went out. One that cannot be handed in is let go: the mail lies in its folder."""
    if policy.answers is None or not may_be_answered(mail, policy.rules.server):
        return False
    try:
        send_answer(answer_to(mail, refused, policy.answers.sender), policy.answers)
    except (OSError, smtplib.SMTPException) as error:
        _log.warning("the answer to a refused mail was not sent by %r: %s", policy.answers, error)
        return False
    return True
