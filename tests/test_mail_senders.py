"""Who may send for whom: a token in the address, or a sender that the receiving server found genuine; nobody else.

Forged headers, other servers' findings and look-alike domains open nothing.
"""

from __future__ import annotations

import pytest
from mail_helpers import a_mail
from pydantic import SecretStr

from blocks import Mailbox
from flows.mail import Mail, MailRefusedError, Refusal, SenderRules, owner_of_mail, parse_mail
from flows.mail.answers import answer_to, may_be_answered

SERVER = "mx.example.com"
RULES = SenderRules(
    tokens={"k7Qp2xWz": "anna"},
    senders={"anna@example.org": "anna", "@firm.example": "firm"},
    server=SERVER,
)
DMARC = f"{SERVER}; dmarc=pass header.from=example.org"


def mail(*headers: tuple[str, str], sender: str = "anna@example.org") -> Mail:
    message = a_mail("Total 7.50", sender=sender)
    for name, value in headers:
        message[name] = value
    return parse_mail(message.as_bytes())


def refused(given: Mail, rules: SenderRules = RULES) -> Refusal:
    with pytest.raises(MailRefusedError) as raised:
        owner_of_mail(given, rules)
    assert raised.value.reason
    return raised.value.code


@pytest.mark.parametrize(
    "results",
    [
        "dmarc=pass (p=none) header.from=example.org",
        "dkim=pass header.d=example.org header.s=a",
        "dkim=fail header.d=other.example; dkim=pass header.i=@example.org",
        "spf=pass (sender is permitted) smtp.mailfrom=bounce@example.org",
    ],
)
def test_a_genuine_sender_brings_receipts_for_its_owner(results: str) -> None:
    assert owner_of_mail(mail(("Authentication-Results", f"{SERVER}; {results}")), RULES) == "anna"


def test_a_domain_vouches_for_what_is_below_it() -> None:
    given = mail(
        ("Authentication-Results", f"{SERVER}; dkim=pass header.d=firm.example"), sender="bob@mail.firm.example"
    )
    rules = SenderRules(senders={"@mail.firm.example": "firm"}, server=SERVER)
    assert owner_of_mail(given, rules) == "firm"


@pytest.mark.parametrize(
    "results",
    [
        f"{SERVER}; dmarc=fail header.from=example.org",
        f"{SERVER}; dmarc=pass header.from=evil.example",
        f"{SERVER}; dkim=pass header.d=evil.example",
        f"{SERVER}; dkim=pass header.d=ample.org",
        f"{SERVER}; dkim=pass header.d=mail.example.org",
        f"{SERVER}; spf=pass smtp.mailfrom=anna@evil.example",
        f"{SERVER}; spf=pass smtp.helo=example.org",
        f"{SERVER}; none",
        "mx.evil.example; dmarc=pass header.from=example.org",
        ";;; dmarc=pass header.from=example.org",
    ],
)
def test_what_does_not_vouch_for_the_sender_opens_nothing(results: str) -> None:
    assert refused(mail(("Authentication-Results", results))) is Refusal.NOT_AUTHENTICATED


def test_findings_that_came_along_with_the_mail_are_not_believed() -> None:
    """Below the receiving server's own findings, and the `Received` line that it wrote."""
    given = mail(
        ("Authentication-Results", f"{SERVER}; dmarc=fail header.from=example.org"),
        ("Received", "from evil.example by mx.example.com"),
        ("Authentication-Results", DMARC),
    )
    assert refused(given) is Refusal.NOT_AUTHENTICATED


def test_findings_in_several_headers_of_the_server_count_together() -> None:
    given = mail(
        ("Authentication-Results", f"{SERVER}; dkim=fail header.d=example.org"), ("Authentication-Results", DMARC)
    )
    assert owner_of_mail(given, RULES) == "anna"


@pytest.mark.parametrize(
    "sender", ["eve@example.org", "anna@evil.example", "anna@example.org, eve@evil.example", "nobody", "@firm.example"]
)
def test_other_senders_are_nobody(sender: str) -> None:
    assert refused(mail(("Authentication-Results", DMARC), sender=sender)) is Refusal.SENDER_UNKNOWN


def test_a_token_in_the_address_is_enough_and_a_wrong_one_is_nothing() -> None:
    given = mail(("Delivered-To", "in+K7QP2XWZ@example.com"), sender="shop@store.example")
    assert owner_of_mail(given, RULES) == "anna"
    for address in ("in+k7qp2xw@example.com", "k7qp2xwz@example.com", "in+@example.com", "in+k7qp2xwz+1@example.com"):
        wrong = mail(("Delivered-To", address), sender="shop@store.example")
        assert refused(wrong) is Refusal.SENDER_UNKNOWN


def test_without_the_demand_a_sender_is_believed() -> None:
    rules = SenderRules(senders=RULES.senders, require_authentication=False)
    assert owner_of_mail(mail(), rules) == "anna"


def test_only_genuine_people_are_answered() -> None:
    genuine = ("Authentication-Results", DMARC)
    assert may_be_answered(mail(genuine), SERVER)
    assert not may_be_answered(mail(), SERVER)
    for name, value in (
        ("Auto-Submitted", "auto-generated"),
        ("Precedence", "bulk"),
        ("List-Id", "<list.example.org>"),
        ("Return-Path", "<>"),
    ):
        assert not may_be_answered(mail(genuine, (name, value)), SERVER), name
    assert not may_be_answered(mail(genuine, sender="no-reply@example.org"), SERVER)


def test_an_answer_says_why_and_carries_nothing_of_the_mail() -> None:
    answer = answer_to(mail(), MailRefusedError(Refusal.NO_RECEIPT, "There is none."), "in@example.com")
    assert "There is none." in answer.get_content() and "7.50" not in answer.as_string()
    assert (answer["Auto-Submitted"], answer["In-Reply-To"]) == ("auto-replied", "<1@example.org>")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"security": "none"}, "without TLS"),
        ({"tokens": {"short": "anna"}}, "tokens"),
        ({"tokens": {"with+plus+x": "anna"}}, "tokens"),
        ({"senders": {"anna": "anna"}, "authentication_server": SERVER}, "senders"),
        ({"senders": {"anna@example.org": "anna"}}, "authentication_server"),
        ({"answer_host": "smtp.example.com"}, "answer_from"),
        ({"host": ""}, "host"),
    ],
)
def test_a_block_that_would_be_unsafe_or_useless_names_its_field(change: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Mailbox(**{"host": "imap.example.com", "user": "in", "password": SecretStr("x"), **change})
