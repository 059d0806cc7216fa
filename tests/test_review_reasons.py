"""Every reason for review can come about, and each is decided by command line, by the API and by Prefect's form.

A reason that is added to the list needs words that lead to it here, and what a person answers.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from gateway_helpers import running, settings_for
from ledger_helpers import claimed
from llm_server import misbehaving_server
from receipt_words import TODAY, document, page_of
from recovery_helpers import Live
from test_decide_review import booked, command

from flows.decide_review import decide_review
from flows.domain.fields import ElectronicInvoice, Page, ReceiptFields, Tax
from flows.domain.review_reasons import ReviewReason
from flows.ledger.corrections import written_parts
from flows.ledger.receipts import record_expense, record_review
from flows.ledger.values import Extraction, SamePurchase
from flows.pipeline.llm_parser import LlmEndpoint, parse_with_llm
from flows.reading.parser import parse_receipt

_HEAD = "CORNER SHOP LTD\n12 Mill Lane London\n12 March 2018 10:15\n"
_GOODS = "TEA        3.00\nCAKE       5.50\nTOTAL      £8.50\nCASH       £8.50"
_GOOD = _HEAD + _GOODS
_OTHER = _GOOD.replace("CORNER", "UPPER").replace("5.50", "9.00").replace("8.50", "12.00")
_NO_DATE = _GOOD.replace("12 March 2018 10:15\n", "")
_PLAIN = _GOOD.replace("£", "").replace(" London", "").replace(" LTD", "")
_INVOICE = ElectronicInvoice(
    syntax="CII",
    number="R-471",
    issued=dt.date(2024, 3, 14),
    seller="Bäckerei Grün GmbH",
    currency="EUR",
    net=Decimal("5.00"),
    tax=Decimal("0.35"),
    total=Decimal("5.35"),
    taxes=(Tax(rate=Decimal(7), net=Decimal("5.00"), amount=Decimal("0.35")),),
)


def words(*pages: str | Page) -> ReceiptFields:
    """What the parser makes of these pages."""
    laid = [page if isinstance(page, Page) else page_of(page, number=number) for number, page in enumerate(pages, 1)]
    return parse_receipt(document(*laid), today=TODAY)


def invoice(printed: str | None = None, **changes: Any) -> ReceiptFields:
    """What the parser makes of an electronic invoice."""
    text = document(page_of(printed)) if printed else document()
    return parse_receipt(text.model_copy(update={"invoice": _INVOICE.model_copy(update=changes)}), today=TODAY)


def model(answer: dict[str, Any] | str, printed: str = _GOOD) -> ReceiptFields:
    """What comes of words of which a language model says this."""
    with misbehaving_server() as server:
        server.script = [(200, {}, answer)]
        endpoint = LlmEndpoint(f"http://127.0.0.1:{server.server_port}/v1", "key", "m", 10.0, 0)
        return parse_with_llm(document(page_of(printed)), endpoint, today=TODAY).fields


R = ReviewReason
# The words of each reason; the last two come about in the ledger and in the pipeline.
READ: dict[ReviewReason, Callable[[], ReceiptFields]] = {
    R.UNREAD_SCRIPT: lambda: words(page_of(_GOOD).model_copy(update={"unread_lines": 3})),
    R.NO_RECEIPT: lambda: words("Dear Ms Miller,\nthank you for your letter of March."),
    R.SEVERAL_ON_PICTURE: lambda: words(_GOOD + "\n" + _OTHER),
    R.PAGES_DIFFER: lambda: words(_GOOD, _OTHER),
    R.TOTAL_NONE: lambda: words(_HEAD + "TOTAL\nCHANGE £1.50\nPOINTS 3.00"),
    R.TOTAL_NO_PURCHASE: lambda: words(_GOOD.replace("£8.50", "-£8.50").replace("3.00", "-3.00")),
    R.TOTAL_MENDED: lambda: words(
        _HEAD + "SOAP   8.99\nRICE   10.47\nTOTAL   £19.16\nMASTERCARD   £19.16\nVAT   NET   VAT   GROSS\n"
        "19,0%   7.55   1.44   8.99\n7,0%   9.79   0.68   10.47"
    ),
    R.TOTAL_RIVAL: lambda: words(_HEAD + "TOTAL   £25.00\nTOTAL   £50.00"),
    R.TOTAL_UNCONFIRMED: lambda: words(_HEAD + "TEA £3.00\nCAKE 5.00\nSUBTOTAL 8.00\nTOTAL 9.50"),
    R.DATE_NONE: lambda: words(_NO_DATE),
    R.DATE_SWAPPED: lambda: words(_PLAIN.replace("12 March 2018 10:15", "Date: 05/06/2021")),
    R.DATE_RIVAL: lambda: words(_GOOD.replace("2018 10:15", "2018\n14 March 2018")),
    R.DATE_OF_OTHER_TAX: lambda: words(
        "SELANGOR SDN BHD\nKuala Lumpur, Malaysia\nGST ID: 000123456789\nDate: 04/05/2013 16:07\nTOTAL 2.50\nCASH 2.50"
    ),
    R.DATE_CUT_OFF: lambda: words(_GOOD.replace("12 March 2018 10:15", "7.02.2018")),
    R.DATE_ALONE: lambda: words(page_of(_GOOD.replace("12 March 2018 10:15", "12/03/18"), confidence=0.93)),
    R.DATE_MENDED: lambda: words(_GOOD.replace("12 March 2018", "Date: 12/O3/Z0I8")),
    R.DATE_HARD_TO_READ: lambda: words(page_of(_GOOD, confidence=0.5)),
    R.CURRENCY_NONE: lambda: words(_PLAIN),
    R.CURRENCY_RIVAL: lambda: words(_GOOD.replace("CASH       £8.50", "CASH       8.50 EUR")),
    R.CURRENCY_LIKELY: lambda: words(_PLAIN.replace("12 Mill Lane", "Hauptstr. 5\n10115 Berlin")),
    R.MERCHANT_NONE: lambda: words("12 March 2018 10:15\n3.00\n5.50\nTOTAL      £8.50\nCASH       £8.50"),
    R.MERCHANT_UNCONFIRMED: lambda: words("12 March 2018 10:15\nTOTAL      £8.50\nCASH       £8.50"),
    R.INVOICE_ARITHMETIC: lambda: invoice(total=Decimal("9.35")),
    R.INVOICE_UNCONFIRMED: lambda: invoice(net=None, tax=None, taxes=()),
    R.INVOICE_NOT_PRINTED: lambda: invoice(_GOOD),
    R.INVOICE_LATER: lambda: invoice(issued=dt.date(2099, 3, 14)),
    R.INVOICE_CURRENCY: lambda: invoice(currency="XXZ"),
    R.MODEL_ONLY: lambda: model({"total": None, "purchase_date": "2018-03-12", "currency": "GBP"} | _NAMED, _UNDATED),
    R.MODEL_DIFFERS: lambda: model({"total": "9.99", "purchase_date": "2018-03-12", "currency": "GBP"} | _NAMED),
    R.MODEL_UNUSABLE: lambda: model({"total": "many"}),
    R.UNSURE: lambda: words(_GOOD).model_copy(update={"decision": "review"}),
    R.SAME_PURCHASE: lambda: words(_GOOD),
}
_NAMED = {"merchant": "CORNER SHOP LTD"}
_UNDATED = _GOOD.replace("12 March 2018 10:15", "12 03 18 0015")
# What a person answers: that it is none, two receipts, or another purchase; else all four fields by hand.
NONE, TWO, KEEP = {R.NO_RECEIPT}, {R.SEVERAL_ON_PICTURE, R.PAGES_DIFFER}, {R.SAME_PURCHASE}


def answer(reason: ReviewReason, number: int) -> dict[str, str]:
    """A purchase of its own; a refund stays one."""
    total = f"{'-' if reason is R.TOTAL_NO_PURCHASE else ''}{100 + number}.00"
    return {"total": total, "purchase_date": "2026-11-20", "currency": "EUR", "merchant": f"Café {number}"}


def two(number: int) -> str:
    """Two purchases, as they are written on a line."""
    return f"total={200 + number}.50; currency=EUR | total={300 + number}; merchant=Kiosk {number}; currency=EUR"


def says(reason: ReviewReason, told: str) -> bool:
    pattern = re.sub(r"\\\{\w+\\\}", ".*", re.escape(reason.value))
    return re.search(pattern, told) is not None


@pytest.mark.parametrize(
    "reason", [one for one in R if one not in {R.UNSURE, R.SAME_PURCHASE}], ids=lambda one: one.name
)
def test_words_lead_to_each_reason(reason: ReviewReason) -> None:
    read = READ[reason]()
    assert read.decision == "review"
    assert any(says(reason, told) for told in read.reasons), read.reasons


def test_no_reason_is_left_out() -> None:
    assert set(READ) == set(R)


def waiting(live: Live, owner: str) -> dict[ReviewReason, UUID]:
    """One receipt in review for each reason, recorded as the pipeline does."""
    found = {}
    for reason in R:
        attempt = claimed(live.pipeline.ledger, f"{owner}/{reason.name}-{uuid4().hex}.jpg", uuid4().hex * 2)
        read, extraction = READ[reason](), Extraction("rapidocr", "1", words_key="", text=reason.name)
        with live.pipeline.ledger.session() as session:
            if reason is R.SAME_PURCHASE:
                first = claimed(live.pipeline.ledger, f"{owner}/first-{uuid4().hex}.jpg", uuid4().hex * 2)
                record_expense(first, read, extraction, session=session)
                session.commit()
        with live.pipeline.ledger.session() as session:
            if reason is R.SAME_PURCHASE:
                assert isinstance(record_expense(attempt, read, extraction, session=session), SamePurchase)
            else:
                reasons = read.reasons or (R.UNSURE.says(),)
                record_review(attempt, read, extraction, reasons=reasons, session=session)
        receipt = live.receipt(attempt.receipt_id)
        assert receipt.state.value == "review" and says(reason, receipt.reason or ""), receipt
        found[reason] = attempt.receipt_id
    return found


def check(live: Live, decided: dict[ReviewReason, UUID]) -> None:
    """Each is what the person said."""
    for number, (reason, receipt_id) in enumerate(decided.items()):
        expense, state = booked(live, receipt_id), live.receipt(receipt_id).state.value
        if reason in NONE:
            assert (state, expense) == ("dismissed", None), reason
        elif reason in TWO:
            assert (state, str(expense.total)) == ("expensed", f"{200 + number}.50"), reason
        elif reason in KEEP:
            assert (state, str(expense.total)) == ("expensed", "8.50"), reason
        else:
            wanted = answer(reason, number)
            assert {name: str(getattr(expense, name)) for name in wanted} == wanted, reason


def test_each_reason_is_decided_in_the_terminal(live: Live) -> None:
    owner = f"terminal{uuid4().hex[:8]}"
    receipts = waiting(live, owner)
    lines = []
    for number, reason in enumerate(receipts):
        if reason in NONE:
            lines += ["d", "r"]
        elif reason in TWO:
            lines.append(two(number))
        elif reason in KEEP:
            lines.append("k")
        else:
            lines.append("; ".join(f"{name}={value}" for name, value in answer(reason, number).items()))
    said = command(live, "review", "--owner", owner, stdin="\n".join(lines) + "\n")
    assert "Nothing waits for you." in said, said
    check(live, receipts)


async def test_each_reason_is_decided_by_the_api(live: Live) -> None:
    owner = "anna"
    receipts = await asyncio.to_thread(waiting, live, owner)
    url = live.stack.environment["RECEIPTFLOW_LEDGER_URL"]
    async with running(settings_for(live.stack, url), live.pipeline.ledger) as gateway:
        for number, (reason, receipt_id) in enumerate(receipts.items()):
            told = (await gateway.anna.get(f"/receipts/{receipt_id}")).json()
            assert says(reason, told["reason"]), told
            done = await _decide(gateway.anna, receipt_id, reason, answer(reason, number), two(number))
            assert done.status_code == 200, (reason, done.text)
    await asyncio.to_thread(check, live, receipts)


async def _decide(
    client: httpx.AsyncClient, receipt_id: UUID, reason: ReviewReason, by_hand: Any, parts: str
) -> httpx.Response:
    wanted: dict[str, Any] = {"decision": "book", "corrections": by_hand}
    if reason in NONE:
        wanted = {"decision": "dismiss", "reason": "not_a_receipt"}
    elif reason in TWO:
        wanted = {"decision": "split", "parts": written_parts(parts)}
    elif reason in KEEP:
        wanted = {"decision": "book", "keep_both": True}
    return await client.post(f"/receipts/{receipt_id}/decision", json=wanted)


def test_each_reason_is_decided_by_the_form(live: Live) -> None:
    schema = live.client.read_deployment_by_name("decide-review/receipt").parameter_openapi_schema
    assert schema is not None
    receipts = waiting(live, f"form{uuid4().hex[:8]}")
    for number, (reason, receipt_id) in enumerate(receipts.items()):
        filled: dict[str, Any] = answer(reason, number)
        if reason in NONE:
            filled = {"decision": "dismiss as not a receipt"}
        elif reason in TWO:
            filled = {"decision": "split", "parts": two(number)}
        elif reason in KEEP:
            filled = {"keep_both": True}
        assert set(filled) <= set(schema["properties"]), "the form has no such field"
        state = asyncio.run(decide_review(str(receipt_id), **filled, return_state=True))
        assert state.is_completed(), (reason, state.message)
    check(live, receipts)
