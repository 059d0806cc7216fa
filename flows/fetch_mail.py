"""The flow `fetch-mail`: the mails of a mailbox become receipts.

Order: open the mailbox, take or refuse each mail, submit what was received, then an artifact with what was refused and
why. Needs the blocks `receipt-pipeline/default` and `mailbox/default`; its schedule is paused until somebody has made
the latter and switched it on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import SecretStr

from blocks import Mailbox
from flows.domain.errors import ConfigurationError
from flows.flow_runs.submission import FRESH_QUEUE, open_submitter
from flows.ledger.receipts import waiting_among
from flows.ledger.values import WaitingReceipt
from flows.mail import (
    AnswerServer,
    Collected,
    MailLimits,
    MailPolicy,
    MailServer,
    OAuthClient,
    SenderRules,
    collect,
    grant,
    open_mailbox,
)
from flows.pipeline.configuration import Pipeline, load_pipeline

_NAMED = 100


@flow(name="fetch-mail", retries=2, retry_delay_seconds=30, persist_result=False)
async def fetch_mail(mailbox: str = "default") -> State[Any]:
    """Take the receipts out of the mails of a mailbox.

    Args:
        mailbox: Name of the Mailbox block that says where the mails are and who may send for whom.
    """
    pipeline, block = await load_pipeline(), await _load(mailbox)
    token = await access_token(block, mailbox)
    collected = await asyncio.to_thread(_collect, pipeline, block, token)
    await _submit(pipeline, collected.receipt_ids)
    await acreate_markdown_artifact(
        key="fetch-mail", markdown=report(collected), description="What became of the mails"
    )
    return Completed(message=collected.in_words())


async def _load(name: str) -> Mailbox:
    try:
        block: Mailbox = await Mailbox.aload(name)
    except ValueError as error:
        raise ConfigurationError(
            f"There is no block mailbox/{name}, or it is incomplete: make one of the type Mailbox in the Prefect UI, "
            f"with the mail server and who may send for whom (docs/mail.md). ({error})"
        ) from error
    return block


async def access_token(block: Mailbox, name: str, client: PrefectClient | None = None) -> str:
    """A token of OAuth 2 for the mailbox of this name; empty where its password signs in.

    A refresh token that takes the place of the last one is kept in the block.

    Raises:
        ConfigurationError: It is refused.
        MailServerUnavailableError: Nobody answers as needed.
    """
    if not block.oauth_token_url:
        return ""
    secrets = block.oauth_client_secret.get_secret_value(), block.oauth_refresh_token.get_secret_value()
    asks = OAuthClient(block.oauth_token_url, block.oauth_client_id, *secrets, block.oauth_scope)
    granted = await asyncio.to_thread(grant, asks)
    if granted.refresh_token:
        block.oauth_refresh_token = SecretStr(granted.refresh_token)
        await block.asave(name, overwrite=True, client=client)
    return granted.access_token


def _collect(pipeline: Pipeline, block: Mailbox, token: str) -> Collected:
    with open_mailbox(server_of(block, token)) as opened:
        return collect(pipeline, opened, policy_of(block, token))


def server_of(block: Mailbox, token: str = "") -> MailServer:
    """Where the block says that mails are, and how to sign in."""
    password = block.password.get_secret_value()
    return MailServer(
        *(block.host, block.port, block.security, block.user, password),
        folder=block.folder,
        authority=block.certificate_authority,
        token=token,
    )


def policy_of(block: Mailbox, token: str = "") -> MailPolicy:
    """What the block says is done with mails."""
    answers = AnswerServer(
        *(block.answer_host, block.answer_port, block.answer_security),
        *(block.user if block.answer_security != "none" else "", block.password.get_secret_value()),
        sender=block.answer_from,
        authority=block.certificate_authority,
        token=token,
    )
    return MailPolicy(
        rules=SenderRules(
            tokens={str(token): str(owner) for token, owner in block.tokens.get_secret_value().items()},
            senders=block.senders,
            server=block.authentication_server,
            require_authentication=block.require_authentication,
        ),
        limits=MailLimits(max_mail_bytes=block.max_mail_bytes, max_receipts=block.max_receipts),
        taken_folder=block.taken_folder,
        refused_folder=block.refused_folder,
        max_mails=block.max_mails,
        answers=answers if block.answer_host else None,
    )


async def _submit(pipeline: Pipeline, receipt_ids: Sequence[UUID]) -> None:
    waiting = await asyncio.to_thread(_waiting_among, pipeline, receipt_ids)
    if waiting:
        async with open_submitter(pipeline.ledger) as submitter:
            await submitter.submit_all(waiting, FRESH_QUEUE)


def _waiting_among(pipeline: Pipeline, receipt_ids: Sequence[UUID]) -> list[WaitingReceipt]:
    with pipeline.ledger.session() as session:
        return waiting_among(receipt_ids, session=session)


def report(collected: Collected) -> str:
    """What became of the mails, in Markdown: those refused with their reasons, attachments that were passed over."""
    lines = ["# Mails", "", f"{collected.in_words()}.", ""]
    if collected.refused:
        lines += ["| refused, from | Message-ID | why |", "|---|---|---|"]
        lines += [f"| {' | '.join(map(_cell, entry))} |" for entry in collected.refused[:_NAMED]]
    if collected.passed_over:
        lines += ["", "Attachments passed over:", "", *(f"- {_cell(name)}" for name in collected.passed_over[:_NAMED])]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """A stranger's text, as text: neither a table's border nor a link nor HTML."""
    return "`" + "".join(c for c in text if c.isprintable() and c not in "`|")[:300] + "`" if text else ""
