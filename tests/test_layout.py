"""Imports point one way: deployments → flows → pure code and blocks; pure code knows no Prefect and no network."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PURE = ("flows/intake", "flows/ocr", "flows/parse", "flows/vocabulary.py", "flows/errors.py", "flows/reading.py")
UNWANTED_IN_PURE = {
    "prefect",
    "prefect_aws",
    "boto3",
    "botocore",
    "httpx",
    "openai",
    "sqlmodel",
    "blocks",
    "deployments",
}


def _modules(*places: str) -> list[Path]:
    paths = [ROOT / place for place in places]
    return [file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*.py")))]


def _imported(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("file", _modules(*PURE), ids=lambda file: str(file.relative_to(ROOT)))
def test_pure_code_is_pure(file: Path) -> None:
    assert {name.split(".")[0] for name in _imported(file)} & UNWANTED_IN_PURE == set()


@pytest.mark.parametrize("file", _modules("flows", "blocks"), ids=lambda file: str(file.relative_to(ROOT)))
def test_flows_and_blocks_do_not_import_deployments(file: Path) -> None:
    assert not {name for name in _imported(file) if name.split(".")[0] == "deployments"}


@pytest.mark.parametrize("package", ["intake", "ocr", "parse", "ledger", "notify"])
def test_packages_use_each_other_by_their_public_names(package: str) -> None:
    inside = f"flows.{package}."
    outside = [file for file in _modules("flows") if f"flows/{package}/" not in file.as_posix()]
    strangers = {
        (str(file.relative_to(ROOT)), name) for file in outside for name in _imported(file) if name.startswith(inside)
    }
    assert strangers == set()
