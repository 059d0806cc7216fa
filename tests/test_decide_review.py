"""A person decides by Prefect's form and by the command line, and what they said survives the next reading."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from gateway_helpers import running, settings_for
from page_helpers import signed_in
from prefect.client.schemas.objects import FlowRun
from recovery_helpers import Live, picture, until

from flows.ledger.access import Role
from flows.ledger.decisions import history
from flows.ledger.expenses import find_expenses
from flows.ledger.receipts import show_receipt

COMMAND = Path(sys.executable).with_name("receiptflow")


def form(live: Live, **parameters: object) -> FlowRun:
    """Run the deployment as a person does who fills in its form; the run once it has ended."""
    deployment = live.client.read_deployment_by_name("decide-review/receipt")
    made = live.client.create_flow_run_from_deployment(deployment.id, parameters=parameters)

    def ended() -> FlowRun | None:
        run = live.client.read_flow_run(made.id)
        return run if run.state and run.state.is_final() else None

    run: FlowRun = until(ended, "the end of the form's run")
    return run


def command(live: Live, *words: str, stdin: str = "", status: int = 0) -> str:
    """Run a command as a person does; what it printed."""
    line = [COMMAND, *words, "--data", live.stack.settings.root]
    done = subprocess.run(line, capture_output=True, text=True, check=False, input=stdin)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def booked(live: Live, receipt_id: UUID) -> Any:
    with live.pipeline.ledger.session() as session:
        return show_receipt(receipt_id, session=session).expense


def test_the_form_decides_explains_itself_and_its_word_survives_a_retry(live: Live) -> None:
    schema = live.client.read_deployment_by_name("decide-review/receipt").parameter_openapi_schema
    assert schema is not None
    explained = {name: field.get("description", "") for name, field in schema["properties"].items()}
    assert all(explained.values()), explained
    receipt = live.require_one_expense(live.add(picture()))
    run = form(live, receipt=str(receipt.id)[:8], total="3026", currency="nothing")
    assert (run.state_name, "currency" in str(run.state and run.state.message)) == ("Failed", True)
    run = form(live, receipt=receipt.key.rsplit("/", 1)[-1], total="77.01", merchant="Corner", person="anna")
    assert (run.state_name, run.state and run.state.message) == ("Completed", "Expensed; Corner · 77.01 EUR")
    assert f"receipt:{receipt.id}" in run.tags
    event = until(lambda: _reviewed(live, receipt.id), "the event")
    assert (event["payload"]["by"], event["payload"]["state"]) == ("anna", "expensed")
    command(live, "retry", str(receipt.id)[:8])
    again = until(lambda: _read_again(live, receipt.id, receipt.attempt), "the second reading")
    expense = booked(live, receipt.id)
    assert (again.state.value, str(expense.total), expense.merchant) == ("expensed", "77.01", "Corner")
    run = form(live, receipt=expense.public_id, decision="dismiss as not mine")
    assert (run.state_name, booked(live, receipt.id)) == ("Completed", None)
    form(live, receipt=str(receipt.id), decision="undo")
    assert str(booked(live, receipt.id).total) == "77.01"
    with live.pipeline.ledger.session() as session:
        told = [(line.what, line.who, line.via) for line in history(receipt.id, session=session) if line.via]
    assert ("book", "anna", "prefect") in told
    assert told[-1][:2] == ("undo", "prefect")


def _reviewed(live: Live, receipt_id: UUID) -> Any:
    events = _all_reviewed(live, receipt_id)
    return events[0] if events else None


def _read_again(live: Live, receipt_id: UUID, attempt: int) -> Any:
    receipt = live.receipt(receipt_id)
    return receipt if receipt.attempt > attempt and receipt.state.is_final else None


def test_the_command_line_corrects_dismisses_splits_voids_and_walks_the_queue(live: Live) -> None:
    receipt = live.require_one_expense(live.add(picture(), owner="walker"))
    short = str(receipt.id)[:8]
    answer = json.loads(command(live, "correct", short, "total=19.46", "merchant=Café Central", "--json"))
    assert (answer["expenses"][0]["total"], answer["expenses"][0]["merchant"]) == ("19.46", "Café Central")
    public_id = answer["expenses"][0]["public_id"]
    assert "write it as 19.46" in command(live, "correct", public_id, "total=NaN", status=1)
    assert "Café Central" in command(live, "show", receipt.key.rsplit("/", 1)[-1])
    command(live, "dismiss", short, "--as", "not_a_receipt")
    assert live.receipt(receipt.id).reason_code == "not_a_receipt"
    command(live, "undo", short)
    command(live, "void", public_id[:11], "--reason", "private")
    assert live.receipt(receipt.id).state.value == "dismissed"
    command(live, "unvoid", public_id)
    answer = json.loads(
        command(live, "split", short, "--part", "total=7.50", "--part", "total=5; merchant=B", "--json")
    )
    assert [one["total"] for one in answer["expenses"]] == ["7.50", "5"]
    command(live, "undo", short)
    with live.database("ledger") as ledger:  # as an unsure reading leaves it
        ledger.execute("UPDATE receipts SET state = 'review', reason = 'unsure' WHERE id = %s", [receipt.id])
        ledger.execute("UPDATE contents SET settled = NULL WHERE id = %s", [receipt.content_id])
    words = command(live, "review", "--owner", "walker", stdin="nonsense\ntotal=NaN\ntotal=21.00\n")
    assert "Nothing waits for you." in words
    assert "write it as 19.46" in words
    assert str(booked(live, receipt.id).total) == "21.00"
    assert "Nothing waits for you." in command(live, "review", "--owner", "walker")
    with live.pipeline.ledger.session() as session:
        assert len(find_expenses(owner="walker", session=session).items) == 1


def test_pages_of_one_receipt_are_joined_by_command_and_by_form(live: Live) -> None:
    first, second = (live.require_one_expense(live.add(picture())) for _ in range(2))
    said = command(live, "join", str(first.id), str(second.id), "--set", "notes=two photos")
    assert f"({str(first.id)[:8]}) is expensed" in said and str(first.id) not in said
    assert booked(live, second.id) is None and live.receipt(second.id).reason_code == "joined"
    assert booked(live, first.id).notes == "two photos"
    refused = command(live, "join", str(first.id), str(first.id), status=1)
    assert "this receipt itself" in refused
    form(live, receipt=str(first.id), decision="undo")
    assert live.receipt(second.id).state.value == "expensed"
    run = form(live, receipt=str(first.id), decision="join", pages=f"{second.id}", total="55.50")
    assert run.state_name == "Completed", run.state
    assert (str(booked(live, first.id).total), booked(live, second.id)) == ("55.50", None)


def test_what_is_changed_on_the_pages_is_an_event_too(live: Live) -> None:
    receipt = live.require_one_expense(live.add(picture(), owner="anna"))
    asyncio.run(_change_on_the_page(live, booked(live, receipt.id).public_id))
    told = until(lambda: len(found := _all_reviewed(live, receipt.id)) == 2 and found, "both events")
    states = {(event["payload"]["by"], event["payload"]["state"]) for event in told}
    assert states == {("anna reviewer", "expensed"), ("anna reviewer", "dismissed")}


async def _change_on_the_page(live: Live, public_id: str) -> None:
    url = live.stack.environment["RECEIPTFLOW_LEDGER_URL"]
    async with (
        running(settings_for(live.stack, url), live.pipeline.ledger) as gateway,
        signed_in(gateway, role=Role.REVIEWER) as browser,
    ):
        for path, form_ in ((public_id, {"merchant": "Corner Shop"}), (f"{public_id}/void", {"reason": "private"})):
            answer = await browser.client.post(f"/app/expenses/{path}", data={"csrf": browser.token} | form_)
            assert answer.status_code == 303, answer.text


def _all_reviewed(live: Live, receipt_id: UUID) -> list[Any]:
    """The events of a receipt, the latest first."""
    wanted = {"event": {"name": ["receiptflow.receipt.reviewed"]}}
    wanted |= {"resource": {"id": [f"receiptflow.receipt.{receipt_id}"]}}
    events: list[Any] = live.client.request("POST", "/events/filter", json={"filter": wanted}).json()["events"]
    return events
