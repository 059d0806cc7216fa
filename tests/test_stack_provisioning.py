"""A start waits for provisioning where it has to, and a failure is told, by this start or the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments.stack import Stack
from deployments.stack.datadir import make_folders
from deployments.stack.provisioning import Provisioning
from deployments.stack.settings import StackSettings


def test_a_folder_is_provisioned_again_for_other_addresses_or_code(tmp_path: Path) -> None:
    def marks(**changed: object) -> str:
        return Provisioning(StackSettings(data_dir=tmp_path, **changed), first_access=True).mark.name  # type: ignore[arg-type]

    assert marks() == marks()
    assert len({marks(), marks(port=5999), marks(public_url="https://books.example"), marks(inbox_bucket="in")}) == 4


@pytest.mark.parametrize("provisioned", [False, True])
def test_a_failure_is_told_and_the_next_start_waits(
    tmp_path: Path, provisioned: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = StackSettings(data_dir=tmp_path / "data")  # its PostgreSQL does not run
    make_folders(settings)
    for name, value in Stack(settings).environment.items():
        monkeypatch.setenv(name, value)
    provisioning = Provisioning(settings, first_access=True)
    provisioning.mark.parent.mkdir(exist_ok=True)
    if provisioned:
        provisioning.mark.touch()
    provisioning = Provisioning(settings, first_access=True)
    assert provisioning.is_needed is not provisioned
    with provisioning:
        provisioning.begin()
        assert provisioning.made() is None
        assert provisioning.finish() == 1
    assert capfd.readouterr().err.startswith("receiptflow: ")
    assert Provisioning(settings, first_access=True).is_needed
    assert provisioning.mark.exists() is provisioned  # a worker that is started again waits for it


def test_the_first_access_waits_for_the_ledger_alone(postgres: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = postgres.settings  # its Prefect does not run
    for name, value in postgres.environment.items():
        monkeypatch.setenv(name, value)
    provisioning = Provisioning(settings, first_access=True)
    provisioning.mark.parent.mkdir(exist_ok=True)
    provisioning.mark.touch()
    provisioning = Provisioning(settings, first_access=True)
    with provisioning:
        provisioning.begin()
        made = provisioning.made()
        assert made is not None
        assert made.keys() == {"link", "key"}
    provisioning.mark.unlink()
