"""A test's marker and group follow from what it asks for, and a parallel run keeps each group in one worker."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

_CONFTEST = """
import pytest
from selection import pytest_collection_finish, pytest_collection_modifyitems

def made(*needs):
    return pytest.fixture(eval(f"lambda {', '.join(needs)}: None"))

postgres = made()
stack = made("postgres")
prepare = made()
running_pipeline = made("prepare")
"""
_ONE = """
import pytest
def test_plain(): pass
def test_rows(postgres): pass
def test_server(stack): pass
"""
_TWO = """
import pytest
Reader = object  # what a module names that reads pictures
def test_server_too(stack): pass
def test_starts(prepare): pass
def test_kills(running_pipeline): pass
@pytest.mark.recovery
def test_kills_elsewhere(): pass
"""
_MARKED = {
    "pure": {"test_plain"},
    "postgres": {"test_rows"},
    "stack": {"test_server", "test_server_too", "test_starts"},
    "recovery": {"test_kills", "test_kills_elsewhere"},
    "ocr": {"test_server_too", "test_starts", "test_kills", "test_kills_elsewhere"},
}


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A small suite with fixtures of the same names."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the others of this environment take seconds to load
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    pytester.makeconftest(_CONFTEST)
    pytester.makepyfile(test_one=_ONE, test_two=_TWO)
    return pytester


def test_a_marker_follows_from_what_is_asked_for(suite: pytest.Pytester) -> None:
    items, _ = suite.inline_genitems()
    found: dict[str, set[str]] = {}
    for item in items:
        for marker in _MARKED.keys() & {mark.name for mark in item.iter_markers()}:
            found.setdefault(marker, set()).add(item.name)
    assert found == _MARKED


def test_a_group_stays_in_one_worker(suite: pytest.Pytester) -> None:
    arguments = ("-p", "xdist", "-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder", "-v")
    lines = [line for line in suite.runpytest_subprocess(*arguments).outlines if "PASSED" in line]
    workers: dict[str, set[str]] = {}
    for line in lines:
        worker, _, test = line.partition("] ")
        workers.setdefault(test.rpartition("@")[2].strip(), set()).add(worker)
    assert workers.keys() == {"pipeline", "prefect", "test_one", "test_two"}
    assert all(len(names) == 1 for names in workers.values())
    assert len(lines) == sum(len(tests) for marker, tests in _MARKED.items() if marker != "ocr")
