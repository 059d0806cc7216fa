"""Runs that a poll brought beyond the free processes: taken in order, and forgotten when they may not be the next."""

from __future__ import annotations

from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun

from deployments.warm_worker import prefetch
from deployments.warm_worker.prefetch import Prefetch


def _runs(count: int) -> list[FlowRun]:
    return [FlowRun(flow_id=uuid4()) for _ in range(count)]


def test_runs_are_taken_in_order_until_fewer_are_left_than_wanted() -> None:
    kept, runs = Prefetch(), _runs(5)
    kept.keep(runs, kept.asking())
    assert kept.take(2) == runs[:2]
    assert kept.take(2) == runs[2:4]
    assert kept.take(2) == []
    assert kept.take(1) == []


def test_what_was_forgotten_while_the_server_was_asked_is_not_remembered() -> None:
    kept = Prefetch()
    asked = kept.asking()
    kept.forget()
    kept.keep(_runs(3), asked)
    assert kept.take(1) == []


def test_nothing_is_read_ahead_for_a_while_once_another_worker_was_first() -> None:
    kept = Prefetch()
    kept.keep(_runs(3), kept.asking())
    assert kept.is_worthwhile
    kept.refused()
    assert not kept.is_worthwhile
    assert kept.take(1) == []
    kept.keep(_runs(3), kept.asking())
    assert kept.take(1) == []


def test_runs_that_were_read_long_ago_are_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "_KEPT_SECONDS", -1)
    kept = Prefetch()
    kept.keep(_runs(3), kept.asking())
    assert kept.take(1) == []
