"""What keeps a stack from starting is said in one clear line, and nothing is left running."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deployments.stack import Service, Stack, StackError, find_stack
from deployments.stack.errors import DataInUseError, DataUnusableError, PortBusyError, ServiceFailedError
from deployments.stack.settings import StackSettings

Settings = Callable[[], StackSettings]


def _never() -> None:
    raise ConnectionError("nobody there")


def test_busy_port_is_named_with_the_way_out(stack_settings: Settings) -> None:
    settings = stack_settings()
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.ports.s3))
        other.listen()
        with pytest.raises(PortBusyError, match=rf"Port {settings.ports.s3} .* PORT="):
            Stack(settings, core=["seaweedfs"]).start()
    with Stack(settings, core=["seaweedfs"]):
        pass


def test_data_in_use_names_its_owner(postgres: Stack, stack_settings: Settings) -> None:
    same_data = postgres.settings.model_copy(update={"port": stack_settings().port})
    with pytest.raises(DataInUseError, match=r"in use by process \d+"):
        Stack(same_data).start()


def test_two_stacks_run_side_by_side(postgres: Stack, stack_settings: Settings) -> None:
    with Stack(stack_settings(), core=["postgres"]) as second:
        assert second.ready("postgres")
        assert postgres.ready("postgres")
        assert second.endpoints["ledger"] != postgres.endpoints["ledger"]


@pytest.mark.parametrize("text", ["", "{", '{"s3_secret_key": "short"}', '{"prefect_encryption_key": "no Fernet key"}'])
def test_broken_secrets_are_refused_and_kept(stack_settings: Settings, text: str) -> None:
    settings = stack_settings()
    path = settings.root / "secrets.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(DataUnusableError, match=r"secrets\.json is broken"):
        Stack(settings, core=["postgres"]).start()
    assert path.read_text() == text


def test_secrets_of_an_older_version_are_completed(stack_settings: Settings) -> None:
    settings = stack_settings()
    path = settings.root / "secrets.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"s3_secret_key": "x" * 40}))
    assert Stack(settings).environment["RECEIPTFLOW_S3_SECRET_KEY"] == "x" * 40
    assert set(json.loads(path.read_text())) > {"s3_secret_key", "prefect_auth_string", "prefect_encryption_key"}


def test_a_secret_that_was_named_otherwise_is_kept(stack_settings: Settings) -> None:
    settings = stack_settings()
    path = settings.root / "secrets.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"gateway_key_seed": "x" * 40}))
    assert Stack(settings).environment["RECEIPTFLOW_EVENTS_TOKEN"] == "x" * 40
    assert json.loads(path.read_text())["events_token"] == "x" * 40
    assert "gateway_key_seed" not in json.loads(path.read_text())


def test_secrets_of_a_newer_version_are_refused_with_the_reason(stack_settings: Settings) -> None:
    settings = stack_settings()
    path = settings.root / "secrets.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"s3_secret_key": "x" * 40, "moon_key": "y" * 40}))
    with pytest.raises(DataUnusableError, match=r"newer receiptflow has used .*moon_key"):
        Stack(settings, core=["postgres"]).start()
    assert "moon_key" in path.read_text()


def test_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("")
    with pytest.raises(DataUnusableError, match="Choose another"):
        Stack(StackSettings(data_dir=path)).start()


def test_service_that_dies_at_start_shows_its_last_words(stack_settings: Settings) -> None:
    dying = [sys.executable, "-c", "import sys; sys.exit('no such setting: colour')"]
    bad = Service(name="bad", command=dying, ready_check=_never)
    stack = Stack(stack_settings(), [bad], core=["postgres"])
    with pytest.raises(ServiceFailedError, match=r"(?s)bad did not start: .*no such setting: colour"):
        stack.start()
    assert stack.pids() == {}


def test_service_that_never_gets_ready_is_given_up(stack_settings: Settings) -> None:
    slow = Service(name="slow", command=["sleep", "600"], ready_check=_never, start_timeout=0.5)
    stack = Stack(stack_settings(), [slow], core=[])
    with pytest.raises(ServiceFailedError, match=r"not ready within 0 s .*nobody there"):
        stack.start()
    assert stack.pids() == {}


def test_missing_program_is_named(stack_settings: Settings) -> None:
    with pytest.raises(ServiceFailedError, match="cannot start no-such-program"):
        Stack(
            stack_settings(), [Service(name="typo", command=["no-such-program"], ready_check=_never)], core=[]
        ).start()


def test_long_data_path_gets_a_short_socket_folder(stack_settings: Settings) -> None:
    usual = stack_settings()
    long = usual.root / ("a" * 60) / ("b c" * 20)
    settings = usual.model_copy(update={"data_dir": long})
    assert not settings.socket_dir.is_relative_to(long)
    with Stack(settings, core=["postgres", "seaweedfs"]) as stack:
        assert stack.ready("postgres")
        assert stack.ready("seaweedfs")
    assert not settings.socket_dir.exists()


def test_nobody_finds_a_stack_that_never_ran(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="receiptflow up"):
        find_stack(StackSettings(data_dir=tmp_path))
