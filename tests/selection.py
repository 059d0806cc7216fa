"""Which marker each test has, which tests go to one worker and in what order, from what a test asks for.

A group goes to one worker whole and in order. Tests that share what is dear to start (the pipeline that the recovery
tests kill, the session's Prefect server) are one group each, so that it is started once; all others one a file, which
keeps a module's fixtures and the loaded OCR in one process. In a parallel run the long groups begin first, so that
none is left over at the end.
"""

from __future__ import annotations

import os

import pytest

# Whoever asks for one of these starts processes in order to hurt them.
_HURT = {"running_pipeline", "hurt_stack", "small_disk"}
# These are parts of a stack, beyond PostgreSQL, or make stacks of the test's own, as the wheel that is installed does.
_STACK = {"stack", "seaweedfs", "stack_settings", "prepare", "wheel"}
_MARKERS = ("recovery", "stack", "postgres", "pure")
_GROUPS = {"running_pipeline": "pipeline", "stack": "prefect"}
# A module that has one of these at hand reads pictures with the real networks, or draws all samples.
_READS = {"Reader", "load_engine", "Networks", "render_samples"}


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups at this hook too
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test its marker and group; in a worker of a parallel run sort the groups, the longest first."""
    ranks: dict[str, int] = {}
    for item in items:
        asked = set(getattr(item, "fixturenames", ()))
        if not any(item.get_closest_marker(marker) for marker in _MARKERS):
            item.add_marker(_marker(asked))
        if _reads(item):
            item.add_marker("ocr")
        group = _shared_group(asked) or item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))
        ranks[group] = min(_rank(item), ranks.get(group, len(_MARKERS)))
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: (ranks[_group(item)], _group(item)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to go on where xdist knows no groups, which it does not say: each would start its parts everywhere."""
    grouped = session.config.getoption("loadgroup", default=False)  # set in xdist's workers alone
    if grouped and not all(item.nodeid.endswith(f"@{_group(item)}") for item in session.items):
        raise pytest.UsageError("this pytest-xdist does not keep groups of tests together with this pytest")


def _marker(asked: set[str]) -> str:
    if asked & _HURT:
        return "recovery"
    if asked & _STACK:
        return "stack"
    return "postgres" if "postgres" in asked else "pure"


def _shared_group(asked: set[str]) -> str:
    return next((group for fixture, group in _GROUPS.items() if fixture in asked), "")


def _group(item: pytest.Item) -> str:
    mark = item.get_closest_marker("xdist_group")
    assert mark is not None
    return str(mark.args[0])


def _reads(item: pytest.Item) -> bool:
    return bool(_READS & vars(getattr(item, "module", item)).keys())


def _rank(item: pytest.Item) -> int:
    """The earlier the longer; reading takes longer than what PostgreSQL is needed for."""
    rank = next(rank for rank, marker in enumerate(_MARKERS) if item.get_closest_marker(marker))
    return min(rank, _MARKERS.index("postgres")) if _reads(item) else rank
