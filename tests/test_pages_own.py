"""What people choose for themselves: filters that they keep, their time zone; a test of notifications; live steps."""

from __future__ import annotations

import json
import re
from html import unescape
from urllib.parse import quote

from gateway_helpers import Gateway
from ledger_helpers import claimed, expensed
from page_helpers import Browser, browser_of, signed_in
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockDocumentCreate
from webhook_receiver import Receiver

from blocks import ReceiptPipeline
from flows.ledger.access import saved_filters
from flows.ledger.notifications import create_webhook
from flows.ledger.schema import NotificationKind

pytest_plugins = ["gateway_helpers", "page_helpers", "webhook_receiver"]


async def keep(browser: Browser, name: str, query: str) -> int:
    form = {"csrf": browser.token, "name": name, "query": query}
    return (await browser.client.post("/app/expenses/filters", data=form)).status_code


async def test_a_filter_is_kept_shown_and_deleted_by_its_person_alone(
    gateway: Gateway, viewer: Browser, reviewer: Browser
) -> None:
    expensed(gateway.ledger, merchant="Aldi")
    assert await keep(viewer, "Trains <b>", "merchant=Bahn&date_from=2026-01-01&x=%3Cscript%3E") == 303
    assert await keep(viewer, "Trains <b>", "merchant=SBB") == 303  # replaced
    page = (await viewer.client.get("/app/expenses?merchant=SBB")).text
    assert re.findall(r'<a href="/app/expenses\?([^"]+)" aria-current="true"><bdi>([^<]+)<', page) == [
        ("merchant=SBB", "Trains &lt;b&gt;")
    ]
    assert "Keep this filter" not in page
    assert "Keep this filter" in (await viewer.client.get("/app/expenses?merchant=Aldi")).text
    assert "Trains" not in (await reviewer.client.get("/app/expenses")).text
    with gateway.ledger.session() as session:
        kept = saved_filters(viewer.person.id, session=session)[0]
    path = f"/app/expenses/filters/{kept.id}/delete"
    assert (await reviewer.client.post(path, data={"csrf": reviewer.token})).status_code == 303
    assert "Trains" in (await viewer.client.get("/app/expenses")).text
    assert (await viewer.client.post(path, data={"csrf": viewer.token})).status_code == 303
    assert "Trains" not in (await viewer.client.get("/app/expenses")).text


_NOT_KEPT = [("", "a=1"), ("a\x07b", "merchant=x"), ("n" * 61, "merchant=x"), ("page", "page=3"), ("no", "date_from=x")]


async def test_what_is_no_filter_is_refused(gateway: Gateway, viewer: Browser) -> None:
    assert {name: await keep(viewer, name, query) for name, query in _NOT_KEPT} == dict.fromkeys(dict(_NOT_KEPT), 422)


async def test_times_are_in_the_persons_zone(gateway: Gateway, viewer: Browser) -> None:
    receipt = expensed(gateway.ledger).receipt_id

    async def hours() -> list[str]:
        page = (await viewer.client.get(f"/app/receipts/{receipt}")).text
        return re.findall(r"<time[^>]*>[^<]*?(\d\d:\d\d)<", page)

    shown = {}
    for zone in ("Pacific/Kiritimati", "Pacific/Niue", ""):
        form = {"csrf": viewer.token, "time_zone": zone}
        assert (await viewer.client.post("/app/account/time-zone", data=form)).status_code == 303
        shown[zone] = (await hours())[0]
    minutes = [int(one[:2]) * 60 + int(one[3:]) for one in shown.values()]
    assert (minutes[0] - minutes[1]) % (24 * 60) == 60  # UTC+14 and UTC-11
    form = {"csrf": viewer.token, "time_zone": "../etc/passwd"}
    assert (await viewer.client.post("/app/account/time-zone", data=form)).status_code == 422
    german = {"Accept-Language": "de"}
    told = await viewer.client.post(
        "/app/account/time-zone", data={"csrf": viewer.token, "time_zone": "x"}, headers=german
    )
    assert "Es gibt keine dieses Namens" in told.text


async def test_what_was_done_and_refused_is_told_in_german(gateway: Gateway, viewer: Browser) -> None:
    german = {"Accept-Language": "de"}
    form = {"csrf": viewer.token, "name": "Bahn", "query": "merchant=Bahn"}
    answer = await viewer.client.post("/app/expenses/filters", data=form, headers=german)
    assert "Der Filter ist gemerkt." in (await viewer.client.get(answer.headers["location"], headers=german)).text
    async with browser_of(gateway) as client:
        wrong = await client.post("/app/sign-in", data={"name": "x", "password": "y"}, headers=german)
        assert "Name oder Passwort ist falsch." in wrong.text
        ended = await client.get("/app/hand-in/session", headers=german | {"Accept": "application/json"})
        assert ended.json()["detail"].startswith("Hier ist niemand angemeldet")


async def test_steps_are_shown_while_they_run_and_the_page_is_loaded_anew_at_the_end(
    gateway: Gateway, viewer: Browser, stranger: Browser
) -> None:
    under_way, done = (
        claimed(gateway.ledger, "anna/1.jpg", "1" * 64).receipt_id,
        expensed(gateway.ledger, "anna/2.jpg").receipt_id,
    )
    page = (await viewer.client.get(f"/app/receipts/{under_way}")).text
    path = f"/app/receipts/{under_way}/steps"
    assert f'hx-get="{path}"' in page
    assert f'class="no-js" href="/app/receipts/{under_way}"' in page  # without scripts it is reloaded by hand
    part = await viewer.client.get(path)
    assert "<html" not in part.text
    assert f'hx-get="{path}"' in part.text
    assert "hx-refresh" not in part.headers
    assert (await viewer.client.get(f"/app/receipts/{done}/steps")).headers["hx-refresh"] == "true"
    assert 'hx-get="/app/receipts' not in (await viewer.client.get(f"/app/receipts/{done}")).text
    assert (await stranger.client.get(path)).status_code == 404


async def test_a_test_goes_to_every_channel_and_says_what_each_answered(
    gateway: Gateway, admin: Browser, stranger: Browser, receiver: Receiver
) -> None:
    with gateway.ledger.session() as session:
        for url in (receiver.url, "http://127.0.0.1:9/away"):
            create_webhook("anna", url, list(NotificationKind), session=session)
    assert receiver.url in (await admin.client.get("/app/notifications")).text
    page = unescape((await admin.client.post("/app/notifications/test", data={"csrf": admin.token})).text)
    assert re.search(rf"<bdi>{re.escape(receiver.url)}</bdi></div><span class=\"badge expensed\">sent", page)
    assert re.search(r"<bdi>http://127.0.0.1:9/away</bdi><small.*not taken", page)
    headers, body = receiver.seen[0]
    assert json.loads(body)["kind"] == "test"
    assert "webhook-signature" in headers
    mine = await stranger.client.post("/app/notifications/test", data={"csrf": stranger.token})
    assert receiver.url not in mine.text
    assert len(receiver.seen) == 1


async def test_the_pipelines_own_channel_is_tested_too(gateway_with_prefect: Gateway, receiver: Receiver) -> None:
    gateway = gateway_with_prefect
    async with get_client() as prefect, signed_in(gateway) as admin:
        assert await gateway.parts.orchestrator.notification_block() == ""
        assert "nowhere yet" in (await admin.client.get("/app/notifications")).text
        channel = CustomWebhookNotificationBlock(name="books", url=receiver.url, json_data={"said": "{{subject}}"})
        await channel.save("books", client=prefect)
        await ReceiptPipeline.register_type_and_schema(client=prefect)
        kind = await prefect.read_block_type_by_slug("receipt-pipeline")
        schema = await prefect.get_most_recent_block_schema_for_block_type(kind.id)
        assert schema is not None
        data = {"notification": "custom-webhook/books"}
        document = BlockDocumentCreate(name="default", data=data, block_schema_id=schema.id, block_type_id=kind.id)
        made = await prefect.create_block_document(document)
        try:
            page = await admin.client.post("/app/notifications/test", data={"csrf": admin.token})
        finally:
            await prefect.delete_block_document(made.id)
    assert re.search(r"<bdi>custom-webhook/books</bdi></div><span class=.badge expensed.>sent", page.text), page.text
    assert json.loads(receiver.seen[0][1]) == {"said": "Test by receiptflow"}


async def test_only_admins_test_notifications(gateway: Gateway, reviewer: Browser) -> None:
    assert (await reviewer.client.get("/app/notifications")).status_code == 403
    answer = await reviewer.client.post("/app/notifications/test", data={"csrf": reviewer.token})
    assert answer.status_code == 403


async def test_where_the_session_ended_the_way_back_is_kept(gateway: Gateway) -> None:
    answer = await gateway.nobody.get("/app/expenses?merchant=Caf%C3%A9")
    assert answer.headers["location"] == "/app/sign-in?next=" + quote("/app/expenses?merchant=Caf%C3%A9", safe="")
