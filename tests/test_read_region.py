"""A part of a picture is read again by the worker that has the models, and told to whoever asked, by API and page."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway_helpers import Gateway, running, settings_for
from page_helpers import signed_in
from recovery_helpers import Live, picture

from flows.ledger.expenses import expenses_of_content
from flows.ledger.views import ReceiptView


def test_a_rectangle_is_read_again_where_the_models_are(live: Live) -> None:
    receipt = live.require_one_expense(live.add(picture(), owner="anna"))
    asyncio.run(_try(live, receipt))
    left = [key for key in live.pipeline.results.all_keys() if "/read_region/" in key]
    assert left == []  # whoever asked has taken the answer away


async def _try(live: Live, receipt: ReceiptView) -> None:
    url = live.stack.environment["RECEIPTFLOW_LEDGER_URL"]
    async with running(settings_for(live.stack, url), live.pipeline.ledger) as gateway:
        path, total = f"/receipts/{receipt.id}/region", _total(live, receipt)
        box = await _box_of_total(gateway, receipt)
        answer = await gateway.anna.post(path, json={"bbox": box})
        assert answer.status_code == 200, answer.text
        assert answer.json()["candidates"]["total"] == [total] and "TOTAL" in answer.json()["text"]
        assert answer.json()["candidates"]["currency"] == ["EUR"]
        for body, cure in (
            ({"bbox": [10_000, 10_000, 10_100, 10_100]}, "holds nothing of page 1"),
            ({"bbox": [5, 5, 6, 6]}, "at least 8 pixels"),
            ({"bbox": box, "page": 9}, "There is no page 9"),
        ):
            refused = await gateway.anna.post(path, json=body)
            assert (refused.status_code, cure in refused.json()["detail"]) == (422, True), refused.text
        await _by_page(gateway, receipt, box, total)
        live.pipeline.s3.delete_object(Bucket=receipt.bucket, Key=receipt.key, VersionId=receipt.version_id)
        gone = await gateway.anna.post(path, json={"bbox": box})
        assert (gone.status_code, "not in its bucket" in gone.json()["detail"]) == (404, True)
        deleted = await gateway.anna.delete(f"/receipts/{receipt.id}")  # whose original nobody can bring back
        assert deleted.status_code == 204, deleted.text


async def _by_page(gateway: Gateway, receipt: ReceiptView, box: list[float], total: str) -> None:
    """As the script asks for a drawn rectangle, and as the plain form does, in per cent."""
    path = f"/app/review/{receipt.id}/region"
    sides: dict[str, Any] = dict(zip(("left", "top", "right", "bottom"), map(str, box), strict=True))
    whole = {"left": "0", "top": "0", "right": "100", "bottom": "100", "unit": "percent"}
    async with signed_in(gateway) as browser:
        form = {"csrf": browser.token}
        accept = {"Accept": "application/json"}
        drawn = await browser.client.post(path, data=form | sides | {"field": "total"}, headers=accept)
        assert drawn.json()["value"] == total
        plain = await browser.client.post(path, data=form | whole)
        assert plain.status_code == 303 and "CORNER" in plain.headers["set-cookie"]
        refused = await browser.client.post(path, data=form | whole | {"left": "nan"}, headers=accept)
        assert (refused.status_code, "give numbers" in refused.json()["detail"]) == (422, True)


async def _box_of_total(gateway: Gateway, receipt: ReceiptView) -> list[float]:
    words = (await gateway.anna.get(f"/receipts/{receipt.id}/words")).json()["pages"][0]["words"]
    line = next(word["bbox"] for word in words if "TOTAL" in word["text"])
    return [0, line[1] - 4, 500, line[3] + 4]


def _total(live: Live, receipt: ReceiptView) -> str:
    assert receipt.content_id is not None
    with live.pipeline.ledger.session() as session:
        return str(expenses_of_content(receipt.content_id, session=session)[0].total)
