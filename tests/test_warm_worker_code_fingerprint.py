"""A fingerprint changes with any file of a watched package, and with nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployments.warm_worker.code_fingerprint import CodeFingerprint


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `observed` with a module and a subpackage."""
    root = tmp_path / "observed"
    (root / "inner").mkdir(parents=True)
    for file in ("__init__.py", "flow.py", "inner/__init__.py", "inner/rules.json"):
        (root / file).write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    return root


def test_it_stays_the_same_without_a_change(package: Path) -> None:
    sources = CodeFingerprint(["observed.flow"])
    before = sources.fingerprint()
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "flow.pyc").write_text("x")
    (package / "notes.txt").write_text("x")
    assert sources.fingerprint() == before


@pytest.mark.parametrize("change", ["edit", "touch", "add", "remove", "data"])
def test_it_changes_with_the_package(package: Path, change: str) -> None:
    """Also with modules that the entry point has not imported."""
    sources = CodeFingerprint(["observed.flow"])
    before = sources.fingerprint()
    module = package / "inner" / "__init__.py"
    if change == "edit":
        module.write_text("x = 1")
    elif change == "touch":
        os.utime(module, ns=(1, 1))
    elif change == "add":
        (package / "late.py").write_text("")
    elif change == "remove":
        module.unlink()
    else:
        (package / "inner" / "rules.json").write_text("{}")
    assert sources.fingerprint() != before


def test_a_new_module_needs_new_processes(package: Path) -> None:
    """What a new deployment runs shall be imported before it is forked."""
    sources = CodeFingerprint(["observed.flow"])
    before = sources.fingerprint()
    sources.add("observed.inner")
    assert sources.fingerprint() != before


def test_a_module_that_does_not_exist_is_left_to_its_run() -> None:
    assert CodeFingerprint(["no_such_package.flow"]).fingerprint()
