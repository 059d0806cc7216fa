"""Messages and runs link to the page of the receipt where its address is known, and say what to do."""

from __future__ import annotations

from uuid import UUID

import pytest
from markdown_it import MarkdownIt
from pydantic import SecretStr, ValidationError

from blocks import ExpenseDatabase, ReceiptPipeline
from deployments.settings import GatewaySettings
from flows.domain.pages import flow_run_page, receipt_page, with_page
from flows.notifications import message_for
from flows.pipeline.artifacts import summary

ID = UUID("0190a0b0-0000-7000-8000-000000000001")
PLACE = {"receipt_id": str(ID), "owner": "anna", "key": "anna/a.jpg", "reasons": ["no total"], "revision": 1}
BASE = "https://receipts.example"


@pytest.mark.parametrize(
    ("kind", "page", "to_do"),
    [
        ("expense.ready", f"{BASE}/app/receipts/{ID}", "Its page"),
        ("expense.voided", f"{BASE}/app/receipts/{ID}", "Its page"),
        ("receipt.needs_review", f"{BASE}/app/review/{ID}", "Correct and book it, or dismiss it"),
        ("receipt.quarantined", f"{BASE}/app/receipts/{ID}", "Send a better picture"),
    ],
)
@pytest.mark.parametrize("public_url", [BASE, f"{BASE}/"])
def test_a_message_says_what_to_do_and_where(public_url: str, kind: str, page: str, to_do: str) -> None:
    payload = with_page({"kind": kind, **PLACE}, public_url)
    assert payload["url"] == page
    line = next(line for line in message_for(payload, delivery_id=ID).body.splitlines() if page in line)
    assert line.startswith(to_do)


@pytest.mark.parametrize("kind", ["expense.ready", "receipt.needs_review"])
def test_without_an_address_nothing_is_guessed(kind: str) -> None:
    payload = {"kind": kind, **PLACE}
    assert with_page(payload, "") == payload
    body = message_for(payload, delivery_id=ID).body
    assert "http" not in body
    assert ("book it" in body) == (kind == "receipt.needs_review")
    assert receipt_page("", ID) is None
    assert flow_run_page("", ID) is None
    assert flow_run_page(BASE, None) is None


def test_a_payload_of_an_older_release_has_no_page() -> None:
    older = {"kind": "expense.ready", "key": "a.jpg", "owner": "anna", "expense_id": None, "revision": 1}
    assert with_page(older, BASE) == older


def test_the_summary_of_a_run_links_to_the_page() -> None:
    told = {"key": "anna/a.jpg", "owner": "anna", "outcome": "Review", "message": "no total"}
    page = MarkdownIt().render(summary(**told, fields=None, page=receipt_page(BASE, ID)))
    assert f'<a href="{BASE}/app/receipts/{ID}">Open the receipt\'s page</a>' in page
    assert "<a " not in MarkdownIt().render(summary(**told, fields=None))


@pytest.mark.parametrize(
    "address",
    [
        "receipts.example",
        "javascript:alert(1)",
        "https://user:secret@receipts.example",
        "https://receipts.example/?a=b",
        "https://receipts.example/>[click](x)",
        "https://receipts.example\n",
        "https://",
    ],
)
def test_what_is_no_address_is_refused_by_name(address: str) -> None:
    ledger = SecretStr("postgresql+psycopg:///ledger")
    with pytest.raises(ValidationError, match="public_url"):
        ReceiptPipeline(database=ExpenseDatabase(url=ledger), public_url=address)
    for name in ("public_url", "prefect_ui_url"):
        with pytest.raises(ValidationError, match=name):
            GatewaySettings(ledger_url=ledger, **{name: address})  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ["", BASE, "http://127.0.0.1:4201", "http://[::1]:4201", f"{BASE}/books"])
def test_an_address_is_taken_and_a_block_of_an_older_release_has_none(address: str) -> None:
    database = ExpenseDatabase(url=SecretStr("postgresql+psycopg:///ledger"))
    assert ReceiptPipeline(database=database, public_url=address).public_url == address
    assert ReceiptPipeline(database=database).public_url == ""
