"""What would stop `up` is named with its cure, nothing is started or changed, and a stack that runs is no problem."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from conftest import free_ports

from deployments.stack import Stack, preflight
from deployments.stack.preflight import check_start
from deployments.stack.settings import StackSettings


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(data_dir=tmp_path / "data", port=free_ports())


@pytest.fixture(autouse=True)
def no_ledger_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RECEIPTFLOW_LEDGER_URL", raising=False)


def test_nothing_is_in_the_way_of_a_new_folder_and_nothing_is_made(settings: StackSettings) -> None:
    assert check_start(settings) == []
    assert not settings.root.exists()


def test_a_taken_port_is_named(settings: StackSettings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.ports.s3))
        taken.listen()
        (problem,) = check_start(settings)
    assert str(settings.ports.s3) in problem.cure


def test_a_file_where_the_folder_should_be_is_named(settings: StackSettings) -> None:
    settings.root.write_text("")
    (problem,) = check_start(settings)
    assert str(settings.root) in problem.what
    assert "--data" in problem.cure


def test_too_little_space_is_named(settings: StackSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "_LEAST_FREE_BYTES", 1 << 60)
    (problem,) = check_start(settings)
    assert "MB free" in problem.what


def test_a_file_that_the_installation_lacks_is_named(settings: StackSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "_PACKAGED", (("deployments.gateway.web", "no_such.html"),))
    (problem,) = check_start(settings)
    assert "no_such.html" in problem.what


def test_a_stack_that_runs_there_is_no_problem(postgres: Stack) -> None:
    assert check_start(postgres.settings) == []


def test_a_ledger_without_tables_or_without_server_is_named(
    settings: StackSettings,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECEIPTFLOW_LEDGER_URL", database_url)
    (problem,) = check_start(settings)
    assert problem.cure == "run `receiptflow provision`"
    monkeypatch.setenv("RECEIPTFLOW_LEDGER_URL", f"postgresql://127.0.0.1:{free_ports()}/ledger")
    (problem,) = check_start(settings)
    assert "RECEIPTFLOW_LEDGER_URL" in problem.cure
