"""The flow `export-expenses`: files on the worker's disk, an artifact that tells of them, names that stay inside."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from export_helpers import HOSTILE, OWNER, some_expenses, spent, void

from flows import export_expenses as module
from flows.domain.errors import ConfigurationError
from flows.exports import UnknownTargetError
from flows.ledger.database import Ledger
from flows.ledger.errors import InvalidReferenceError
from flows.pipeline.configuration import Pipeline


@pytest.fixture
def artifacts(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the flow's body would show in Prefect; the body runs as plain Python."""
    shown: list[dict[str, Any]] = []

    async def keep(**artifact: Any) -> None:
        shown.append(artifact)

    async def pipeline() -> Pipeline:
        nothing: Any = None
        return Pipeline("inbox", nothing, nothing, ledger, nothing, max_bytes=1, notification=None)

    monkeypatch.setattr(module, "acreate_markdown_artifact", keep)
    monkeypatch.setattr(module, "load_pipeline", pipeline)
    return shown


def test_files_and_artifact_tell_the_same(ledger: Ledger, tmp_path: Path, artifacts: list[dict[str, Any]]) -> None:
    ids = some_expenses(ledger)
    spent(ledger, "lost", currency=None, merchant=f"[x](http://evil) {HOSTILE}")
    state = asyncio.run(module.export_expenses.fn("ofx", OWNER, str(tmp_path), leave_out=True))
    assert state.message == "6 new, 0 changed, 0 voided; 1 left out"
    assert (tmp_path / OWNER / "ofx/receiptflow-0001.ofx").exists()
    void(ledger, ids[0])
    state = asyncio.run(module.export_expenses.fn("ofx", OWNER, str(tmp_path), leave_out=True))
    told = artifacts[-1]["markdown"]
    assert f"voided: `{ids[0]}`" in told and "| 2 | 0 | 0 | 1 |" in told and "receiptflow-0002.ofx" in told
    assert "](" not in told and "<b>" not in told.replace("\\<b\\>", "")


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"target": "../x"}, UnknownTargetError, "there is no export target"),
        ({"owner": "../bert"}, ConfigurationError, "one folder name"),
        ({"date_from": "yesterday"}, InvalidReferenceError, "date_from: 'yesterday'"),
        ({"date_from": "2026-02-01", "date_to": "2026-01-01"}, InvalidReferenceError, "swap"),
    ],
)
def test_what_the_form_may_be_given_wrong(
    tmp_path: Path, artifacts: list[dict[str, Any]], options: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        asyncio.run(module.export_expenses.fn(**({"folder": str(tmp_path)} | options)))
    assert list(tmp_path.iterdir()) == []
