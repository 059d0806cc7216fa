"""A mailbox on a real server is emptied into the inbox: each mail taken once, or refused with its reason.

Whatever breaks off in between, the next pass neither loses nor doubles; held by counting objects and receipts. Against
pymap, which keeps no keywords and knows no MOVE, and against dovecot where it is installed.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from email.message import EmailMessage
from functools import partial
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from export_programs import DEBIAN_PROGRAMS
from ledger_helpers import count
from mail_helpers import a_mail, attach, dovecot, free_port, has_dovecot, opened, pymap
from pydantic import SecretStr
from sqlmodel import select

from blocks import Mailbox
from flows.domain.errors import ConfigurationError
from flows.fetch_mail import policy_of, report
from flows.ledger.database import Ledger
from flows.ledger.schema import Receipt, Source
from flows.mail import (
    Collected,
    MailServer,
    MailServerUnavailableError,
    OpenMailbox,
    collect,
    open_mailbox,
)
from flows.pipeline.configuration import Pipeline
from flows.reading.reader import Reader
from flows.storage import Inbox, Results, StorageUnavailableError

PDF = b"%PDF-1.4\n%%EOF\n"
GENUINE = "mx.example.com; dmarc=pass header.from=example.org"
SERVERS: dict[str, Callable[[], AbstractContextManager[MailServer]]] = {"pymap": pymap, "dovecot": dovecot}


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[MailServer]:
    """A mail server with an empty mailbox."""
    if request.param == "dovecot" and not has_dovecot() and not os.environ.get(DEBIAN_PROGRAMS):
        pytest.skip("dovecot is not installed here: apt install dovecot-imapd")
    with SERVERS[request.param]() as running:
        yield running


@pytest.fixture
def pipeline(ledger: Ledger, s3_client: Any) -> Pipeline:
    """A pipeline on a versioned inbox of its own."""
    inbox = f"inbox-{uuid.uuid4().hex[:8]}"
    s3_client.create_bucket(Bucket=inbox)
    s3_client.put_bucket_versioning(Bucket=inbox, VersioningConfiguration={"Status": "Enabled"})
    return Pipeline(
        inbox_name=inbox,
        s3=s3_client,
        results=Results(s3_client, "results"),
        ledger=ledger,
        open_reader=partial(Reader, engine="tesseract"),
        max_bytes=1000,
        notification=None,
    )


@pytest.fixture
def answers() -> Iterator[list[Any]]:
    """What a real SMTP server was handed; at first its port alone."""
    kept: list[Any] = []

    class Keeping(MessageHandler):
        def handle_message(self, message: Any) -> None:
            kept.append(message)

    kept.append(free_port())
    controller = Controller(Keeping(), hostname="127.0.0.1", port=kept[0])
    controller.start()
    yield kept
    controller.stop()


def a_block(server: MailServer, **changes: Any) -> Mailbox:
    values: dict[str, Any] = {
        "host": server.host,
        "port": server.port,
        "security": "none",
        "user": server.user,
        "password": SecretStr(server.password),
        "tokens": {"k7Qp2xWz": "anna"},
        "senders": {"anna@example.org": "anna"},
        "authentication_server": "mx.example.com",
    }
    return Mailbox(**values | changes)


def deliver(server: MailServer, *mails: EmailMessage) -> None:
    with opened(server) as box:
        for mail in mails:
            box.append(mail.as_bytes(), "INBOX", dt=None)


def genuine(mail: EmailMessage) -> EmailMessage:
    mail["Authentication-Results"] = GENUINE
    return mail


def run(pipeline: Pipeline, server: MailServer, block: Mailbox | None = None) -> Collected:
    with open_mailbox(server) as box:
        return collect(pipeline, box, policy_of(block or a_block(server)))


def folder(server: MailServer, name: str) -> list[Any]:
    with opened(server) as box:
        if not box.folder.exists(name):
            return []
        box.folder.set(name)
        return list(box.fetch(mark_seen=False))


def objects(pipeline: Pipeline) -> int:
    return sum(len(page) for page in pipeline.inbox().pages())


def test_mails_are_taken_or_refused_and_moved(pipeline: Pipeline, server: MailServer) -> None:
    two = attach(attach(genuine(a_mail()), PDF, "a.pdf"), PDF + b"2", "a.pdf")
    by_token = a_mail("Total 9.99", sender="shop@store.example", identity="<2@store.example>")
    by_token.replace_header("To", "in+k7qp2xwz@example.com")
    stranger = attach(a_mail(sender="eve@evil.example", identity="<3@evil.example>"), PDF, "a.pdf")
    empty = genuine(a_mail("Hello", identity="<4@example.org>"))
    deliver(server, two, by_token, stranger, empty)
    collected = run(pipeline, server)
    assert (collected.taken, collected.new, len(collected.refused)) == (2, 3, 2)
    assert [len(folder(server, name)) for name in ("INBOX", "receiptflow-taken", "receiptflow-refused")] == [0, 2, 2]
    assert objects(pipeline) == count(pipeline.ledger, "receipts") == 3
    with pipeline.ledger.session() as session:
        assert session.exec(select(Receipt.owner, Receipt.source).distinct()).all() == [("anna", Source.MAIL)]
    markdown = report(collected)
    assert "eve@evil.example" in markdown and "<3@evil.example>" in markdown and "no receipt" in markdown


def test_the_reason_stays_with_the_mail_where_the_server_keeps_keywords(
    pipeline: Pipeline, server: MailServer, request: pytest.FixtureRequest
) -> None:
    deliver(server, a_mail(sender="eve@evil.example"))
    run(pipeline, server)
    (refused,) = folder(server, "receiptflow-refused")
    keeps = "dovecot" in request.node.name
    assert ("receiptflow-sender-unknown" in {flag.lower() for flag in refused.flags}) is keeps


def test_a_mail_that_comes_again_is_no_new_receipt(pipeline: Pipeline, server: MailServer) -> None:
    mail = attach(genuine(a_mail()), PDF, "a.pdf")
    for _ in range(2):
        deliver(server, mail)
        collected = run(pipeline, server)
    assert (collected.taken, collected.new) == (1, 0)
    assert objects(pipeline) == count(pipeline.ledger, "receipts") == 1


def test_another_mail_under_the_same_id_loses_nothing(pipeline: Pipeline, server: MailServer) -> None:
    for content in (PDF, PDF + b"other"):
        deliver(server, attach(genuine(a_mail()), content, "a.pdf"))
        run(pipeline, server)
    assert objects(pipeline) == count(pipeline.ledger, "receipts") == 2


@pytest.mark.parametrize("breaks", ["before_put", "after_put", "before_move"])
def test_what_breaks_off_is_finished_by_the_next_pass(
    pipeline: Pipeline, server: MailServer, breaks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(server, attach(attach(genuine(a_mail()), PDF, "1.pdf"), PDF + b"2", "2.pdf"))
    put, puts = Inbox.put, 0

    def failing_put(self: Inbox, *arguments: Any) -> Any:
        nonlocal puts
        puts += 1
        if breaks == "before_put" and puts == 2:
            raise StorageUnavailableError("away")
        version = put(self, *arguments)
        if breaks == "after_put" and puts == 2:
            raise StorageUnavailableError("away")
        return version

    def failing_file(self: OpenMailbox, *arguments: Any) -> None:
        raise MailServerUnavailableError("away")

    with monkeypatch.context() as patched:
        patched.setattr(Inbox, "put", failing_put)
        if breaks == "before_move":
            patched.setattr(OpenMailbox, "file", failing_file)
        with pytest.raises((StorageUnavailableError, MailServerUnavailableError)):
            run(pipeline, server)
    assert len(folder(server, "INBOX")) == 1
    collected = run(pipeline, server)
    assert collected.taken == 1
    assert objects(pipeline) == count(pipeline.ledger, "receipts") == 2
    assert len(folder(server, "receiptflow-taken")) == 1


def test_a_mail_that_ended_three_tries_is_given_up_and_the_others_go_on(
    pipeline: Pipeline, server: MailServer, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "dovecot" not in request.node.name:
        pytest.skip("a server without keywords cannot remember tries")
    deliver(server, attach(genuine(a_mail()), PDF, "a.pdf"))

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt  # what ends a process, so that nothing else can react

    with monkeypatch.context() as patched:
        patched.setattr(OpenMailbox, "raw", killed)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                run(pipeline, server)
    deliver(server, attach(genuine(a_mail(identity="<2@example.org>")), PDF, "b.pdf"))
    collected = run(pipeline, server)
    ((*_, reason),) = collected.refused
    assert collected.taken == 1 and "in 3 tries" in reason


def test_limits_of_a_mail_and_of_a_pass(pipeline: Pipeline, server: MailServer) -> None:
    large = attach(genuine(a_mail()), PDF + bytes(20_000), "a.pdf")
    others = [genuine(a_mail("Total 1.00", identity=f"<{n}@many.example.org>")) for n in range(3)]
    deliver(server, large, *others)
    collected = run(pipeline, server, a_block(server, max_mail_bytes=10_000, max_mails=3))
    assert (collected.taken, len(collected.refused), collected.left) == (2, 1, 1)
    assert "10,000" in collected.refused[0][2]
    assert len(folder(server, "INBOX")) == 1


def test_only_the_genuine_sender_of_a_refused_mail_is_answered(
    pipeline: Pipeline, server: MailServer, answers: list[Any]
) -> None:
    port = answers.pop()
    deliver(
        server,
        genuine(a_mail("Hello")),
        genuine(a_mail("Hello again", identity="<2@example.org>")),
        a_mail("Hello", sender="anna@example.org", identity="<3@example.org>"),
        a_mail("Hello", sender="eve@evil.example", identity="<4@evil.example>"),
    )
    options = {
        "answer_host": "127.0.0.1",
        "answer_port": port,
        "answer_security": "none",
        "answer_from": "in@x.example",
    }
    collected = run(pipeline, server, a_block(server, **options))
    assert (len(collected.refused), collected.answered, len(answers)) == (4, 1, 1)
    (answer,) = answers
    assert (answer["To"], answer["In-Reply-To"], answer["X-MailFrom"]) == ("anna@example.org", "<1@example.org>", "<>")
    assert "no receipt" in answer.get_payload()


def test_an_answer_that_cannot_be_sent_holds_nothing_up(pipeline: Pipeline, server: MailServer) -> None:
    deliver(server, genuine(a_mail("Hello")), genuine(a_mail("Total 1.00", identity="<2@example.org>")))
    options = {"answer_host": "127.0.0.1", "answer_port": 1, "answer_security": "none", "answer_from": "i@x.example"}
    collected = run(pipeline, server, a_block(server, **options))
    assert (collected.taken, len(collected.refused), collected.answered) == (1, 1, 0)


def test_a_wrong_password_and_an_absent_server_are_told_apart(server: MailServer) -> None:
    wrong = MailServer(server.host, server.port, "none", server.user, "wrong")
    with pytest.raises(ConfigurationError, match="password") as raised, open_mailbox(wrong):
        pass
    assert server.password not in str(raised.value)
    with pytest.raises(MailServerUnavailableError), open_mailbox(MailServer("127.0.0.1", 1, "none", "a", "b")):
        pass
