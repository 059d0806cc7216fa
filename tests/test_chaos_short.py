"""A short chaos run with a fixed seed: every promise holds, whatever was killed at whatever moment.

Times are not asserted here (the bounds are `make chaos`'s own matter on a quiet machine), counts are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import Prepare, free_ports

from deployments.stack.settings import StackSettings

ROOT = Path(__file__).parent.parent
_FAULTS, _RECEIPTS = 6, 10
COUNTS = (
    "lost",
    "doubled",
    "reexecuted",
    "notified_twice",
    "untold",
    "resurrected",
    "content_left",
    "left_over",
    "corrections_lost",
)


@pytest.mark.recovery
@pytest.mark.timeout(900)
def test_nothing_is_lost_or_done_twice_under_some_faults(prepare: Prepare, tmp_path: Path) -> None:
    folder, report = Path(tempfile.mkdtemp(prefix="receiptflow-chaos-")), tmp_path / "chaos.json"
    settings = prepare(StackSettings(data_dir=folder / "data", port=free_ports()))
    command = (
        sys.executable,
        "-m",
        "benchmarks.chaos",
        "--seed",
        "4",
        "--faults",
        str(_FAULTS),
        "--receipts",
        str(_RECEIPTS),
        "--short",
        "--folder",
        str(folder),
        "--port",
        str(settings.port),
    )
    done = subprocess.run(
        [*command, "--json", str(report)],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), done.stdout + done.stderr
    verdict = json.loads(report.read_text())
    assert {name: verdict[name] for name in COUNTS} == dict.fromkeys(COUNTS, 0), done.stdout
    assert verdict["receipts"] >= _RECEIPTS
    assert sum(verdict["faults"].values()) >= _FAULTS
    assert "discrepancy:" not in done.stdout, done.stdout
    assert "trouble:" not in done.stdout, done.stdout
