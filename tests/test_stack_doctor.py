"""The installation check finds nothing to say about a complete installation, and names the cure for what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments.stack import doctor
from deployments.stack.doctor import check_installation


def test_complete_installation_has_no_problems() -> None:
    assert check_installation() == []


def test_missing_module_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_MODULES", ("no_such_module",))
    (problem,) = check_installation()
    assert "no_such_module" in problem.what
    assert "make setup" in problem.cure


def test_every_broken_module_is_named_also_one_that_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ends_it.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(doctor, "_MODULES", ("json", "ends_it", "no_such_module", "decimal"))
    assert [problem.what.split()[1] for problem in check_installation()] == ["ends_it", "no_such_module"]


@pytest.mark.parametrize(
    ("message", "cure"),
    [
        ("ImportError: libGL.so.1: cannot open shared object file", "opencv-python-headless"),
        ("ImportError: libgthread-2.0.so.0: cannot open shared object file", "libglib2.0-0"),
        ("ImportError: version `GLIBC_2.28' not found", "glibc 2.28"),
    ],
)
def test_missing_system_library_is_named_as_distributions_call_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, message: str, cure: str
) -> None:
    broken = tmp_path / "tesseract"
    broken.write_text(f'#!/bin/sh\necho "{message.replace("`", "")}" >&2\nexit 1\n')
    broken.chmod(0o755)
    monkeypatch.setattr(doctor, "_MODULES", ())
    monkeypatch.setattr(doctor, "_tesseract", lambda _: broken)
    (problem,) = check_installation()
    assert problem.what.startswith("Tesseract does not run")
    assert cure in problem.cure
