"""`receiptflow reconcile --repair` on a running pipeline: what was lost on either side comes back, once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from recovery_helpers import Live, picture, until


def reconcile(live: Live, *options: str) -> tuple[int, dict[str, Any]]:
    """Run the command as a user does; its exit status and what it printed."""
    command = [Path(sys.executable).with_name("receiptflow"), "reconcile", "--json", "--data", live.stack.settings.root]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode, json.loads(done.stdout)


def kinds(answer: dict[str, Any], subject: str) -> list[str]:
    return [one["kind"] for one in answer["discrepancies"] if one["subject"] == subject]


def test_what_is_sound_is_left_alone_and_what_was_lost_comes_back_once(live: Live) -> None:
    receipt = live.require_one_expense(live.add(picture()))
    _, answer = reconcile(live)
    assert answer["discrepancies"] == []
    assert answer["objects"] == sum(answer["receipts"].values())
    reads = len(live.lines("extract_text"))
    with live.database("ledger") as ledger:
        ledger.execute("DELETE FROM expenses WHERE receipt_id = %s", [receipt.id])
    unknown = f"acme/{uuid4().hex}.jpg"
    live.pipeline.inbox().put(unknown, picture())
    status, answer = reconcile(live)
    assert status == 1
    assert kinds(answer, receipt.key) == ["expense missing"]
    assert kinds(answer, unknown) == ["unknown object"]
    status, answer = reconcile(live, "--repair")
    assert (status, answer["repaired"]) == (0, 2)
    until(lambda: _posted(live, receipt.key, unknown) == 2, "both expenses")
    until(lambda: reconcile(live)[0] == 0, "peace")
    assert len(live.lines("extract_text")) == reads + 1, "the kept results spared the OCR of the missing expense"


def _posted(live: Live, *keys: str) -> int:
    with live.database("ledger") as ledger:
        query = "SELECT count(*) FROM expenses JOIN receipts ON receipts.id = receipt_id WHERE key = ANY(%s)"
        return int((ledger.execute(query, [list(keys)]).fetchone() or (0,))[0])


def test_receipt_whose_flow_run_does_not_exist_gets_a_new_one(live: Live) -> None:
    receipt = live.require_one_expense(live.add(picture()))
    with live.database("ledger") as ledger:
        ledger.execute(
            "UPDATE receipts SET flow_run_id = %s, state = 'waiting', finished_at = NULL,"
            " updated_at = now() - interval '1 hour' WHERE id = %s",
            [uuid4(), receipt.id],
        )
    _, answer = reconcile(live, "--repair")
    assert kinds(answer, receipt.key) == ["flow run missing"]
    assert live.final(receipt.id).state is receipt.state
