"""docs/settings.md shows every setting that exists, as the classes have it, each with a description."""

from __future__ import annotations

import ast
from pathlib import Path

import blocks
from deployments import settings_page

ROOT = Path(__file__).parent.parent


def test_the_page_is_what_the_classes_say() -> None:
    assert settings_page.PAGE.read_text() == settings_page.page(), "run `make settings`"


def test_every_class_of_settings_is_on_the_page() -> None:
    found = {
        node.name
        for folder in ("flows", "blocks", "deployments")
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef)
        and {getattr(base, "id", "") for base in node.bases} & {"BaseSettings", "Block", "BaseVariables"}
    }
    named = {one.__name__ for one in settings_page._SETTINGS} | set(blocks.__all__) | {"WarmVariables"}
    assert found == named


def test_every_setting_is_described() -> None:
    rows = [line for line in settings_page.page().splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert [row for row in rows if row.rstrip("| ").endswith("|") or row.endswith("|  |")] == []
