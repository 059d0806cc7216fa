"""The systemd unit is one that systemd itself finds nothing wrong with, also with odd paths; root is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import typer

from deployments.cli.service import NAME, Whose, unit, unit_file

ODD = Path('/srv/a b/100% "quoted" $HOME/.receiptflow')


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
@pytest.mark.parametrize("whose", list(Whose))
def test_systemd_finds_nothing_wrong(whose: Whose, tmp_path: Path) -> None:
    data = tmp_path / 'a b 100% "$HOME"' / ".receiptflow"
    data.mkdir(parents=True)
    file = tmp_path / NAME
    file.write_text(unit(whose, data, 4200, "daemon"))
    command = ["systemd-analyze", "verify", "--man=no", f"--{whose}", str(file)]
    env = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}  # a user's manager has one
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if NAME in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_words_mean_themselves() -> None:
    text = unit(Whose.USER, ODD, 4300, "anna")
    assert r'--data "/srv/a b/100%% \"quoted\" $$HOME/.receiptflow" --port 4300' in text
    assert "--lan" not in text
    assert "--port 4300 --lan\n" in unit(Whose.USER, ODD, 4300, "anna", lan=True)
    assert "User=" not in text and "WantedBy=default.target" in text


@pytest.mark.parametrize("whose", list(Whose))
def test_a_unit_reads_the_settings_of_a_file_if_there_is_one(whose: Whose) -> None:
    """As the container and compose do: `%E` is /etc, or a user's folder of configuration."""
    assert "EnvironmentFile=-%E/receiptflow.env\n" in unit(whose, ODD, 4300, "anna")


def test_a_system_unit_runs_as_an_ordinary_user() -> None:
    assert "\nUser=anna\n" in unit(Whose.SYSTEM, ODD, 4200, "anna")
    with pytest.raises(typer.BadParameter, match="--run-as"):
        unit(Whose.SYSTEM, ODD, 4200, "root")


def test_units_are_where_systemd_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert unit_file(Whose.USER) == tmp_path / "systemd" / "user" / NAME
    assert unit_file(Whose.SYSTEM) == Path("/etc/systemd/system") / NAME
