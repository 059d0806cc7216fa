"""Where things are: the root of `flows/` shows the deployed flows, imports point one way, pure code stays pure, the
warm worker knows nothing of receipts, faces are used, and no module opens anything when it is imported.
"""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What a package may import of ours, from the ground up. A package that is not named here may import all of these.
BELOW = {
    "flows.domain": set(),
    "flows.reading": {"flows.domain"},
    "flows.storage": {"flows.domain"},
    "flows.learning": {"flows.domain"},
    "flows.ledger": {"flows.domain", "flows.learning"},
    "flows.notifications": {"flows.domain"},
    "flows.containers": {"flows.domain"},
    "blocks": {"flows.domain"},
    "flows.pipeline": {
        "blocks",
        "flows.domain",
        "flows.exports",
        "flows.ledger",
        "flows.notifications",
        "flows.reading",
        "flows.storage",
    },
    "flows.exports": {"flows.domain", "flows.ledger", "flows.storage"},
    "flows.flow_runs": {"flows.domain", "flows.ledger"},
    "flows.reconciliation": {"flows.domain", "flows.flow_runs", "flows.ledger", "flows.pipeline", "flows.storage"},
    "deployments.warm_worker": set(),
}
UNWANTED_IN_PURE = {"prefect", "prefect_aws", "boto3", "botocore", "httpx", "openai", "sqlmodel", "sqlalchemy"}
PURE = ("flows.domain", "flows.reading", "flows.learning")
# Packages whose `__init__` names all that others use. Of the rest each module is public.
WITH_FACE = (
    "flows.reading.brands",
    "flows.reading.documents",
    "flows.reading.ocr",
    "flows.reading.parser",
    "flows.storage",
    "flows.containers",
    "flows.mail",
    "flows.notifications",
    "flows.reconciliation",
    "flows.ledger.schema",
    "flows.ledger.receipts",
    "flows.ledger.expenses",
    "flows.ledger.categories",
    "flows.ledger.rules",
    "flows.ledger.rates",
    "flows.exchange_rates",
    "flows.learning",
    "flows.ledger.notifications",
    "flows.ledger.access",
    "flows.ledger.audit",
    "flows.ledger.corrections",
    "flows.ledger.decisions",
    "flows.ledger.exports",
    "flows.exports",
)
OPENERS = {"create_engine", "get_client", "open_ledger", "Session", "AsyncClient", "Client", "client", "BaseSettings"}


def _modules(*places: str) -> list[Path]:
    return [file for place in places for file in sorted((ROOT / place).rglob("*.py"))]


def _name(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@functools.cache
def _imported(file: Path) -> set[str]:
    """The modules that a file imports, wherever in it; of `from package import module` the module."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            places = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {place if _is_module(place) else node.module for place in places}
    return found


def _is_module(name: str) -> bool:
    """Whether this is a module; a function of a package's face may have the name of the module that it comes from."""
    path = ROOT.joinpath(*name.split("."))
    face = path.parent / "__init__.py"
    if face.is_file() and f'"{path.name}"' in face.read_text():
        return False
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _ours(file: Path) -> set[str]:
    return {name for name in _imported(file) if name.split(".")[0] in {"flows", "blocks", "deployments"}}


def test_the_root_of_flows_shows_the_deployed_flows_only() -> None:
    files = [file for file in (ROOT / "flows").glob("*.py") if file.name != "__init__.py"]
    deployed = (ROOT / "deployments/provisioning/prefect.yaml").read_text()
    assert {file.stem for file in files} == {
        file.stem for file in files if f"entrypoint: flows.{file.stem}.{file.stem}\n" in deployed
    }
    assert len(files) == len(set(re.findall("entrypoint: (.*)", deployed)))


@pytest.mark.parametrize("package", BELOW)
def test_imports_point_down(package: str) -> None:
    allowed = BELOW[package] | {package}
    files = _modules(package.replace(".", "/"))
    assert files
    upwards = {
        (_name(file), name)
        for file in files
        for name in _ours(file)
        if not any(_is_in(name, place) for place in allowed)
    }
    assert upwards == set()


@pytest.mark.parametrize("package", ["flows", "blocks"])
def test_flows_and_blocks_do_not_import_deployments(package: str) -> None:
    assert not [(file, name) for file in _modules(package) for name in _ours(file) if _is_in(name, "deployments")]


@pytest.mark.parametrize("package", PURE)
def test_pure_code_is_pure(package: str) -> None:
    files = _modules(package.replace(".", "/"))
    unwanted = {(_name(file), n) for file in files for n in _imported(file) if n.split(".")[0] in UNWANTED_IN_PURE}
    assert unwanted == set()


@pytest.mark.parametrize("package", WITH_FACE)
def test_a_package_is_used_by_its_face(package: str) -> None:
    outside = [file for file in _modules("flows", "deployments", "blocks") if not _is_in(_name(file), package)]
    strangers = {(_name(file), name) for file in outside for name in _ours(file) if name.startswith(f"{package}.")}
    assert strangers == set()


def test_packages_have_no_circles() -> None:
    """No two folders of `flows` or of `deployments` import each other, by whatever way around."""
    arrows: dict[str, set[str]] = {}
    for file in _modules("flows", "deployments"):
        here = _folder(_name(file), file.name == "__init__.py")
        there = {_folder(name, _is_package(name)) for name in _ours(file)}
        arrows.setdefault(here, set()).update(place for place in there if not _is_in(here, place) and place != here)
    assert _circle(arrows) == []


def _is_package(name: str) -> bool:
    return (ROOT.joinpath(*name.split(".")) / "__init__.py").is_file()


def _folder(name: str, is_package: bool) -> str:
    """The folder of a module, two levels deep: what a drawing of the structure shows as a room."""
    parts = name.split(".") if is_package else name.split(".")[:-1]
    return ".".join(parts[:2])


def _circle(arrows: dict[str, set[str]]) -> list[str]:
    """The first circle found, as its modules in order."""
    done: set[str] = set()

    def walk(place: str, way: list[str]) -> list[str]:
        if place in way:
            return way[way.index(place) :]
        if place in done:
            return []
        for following in sorted(arrows.get(place, ())):
            if found := walk(following, [*way, place]):
                return found
        done.add(place)
        return []

    return next((found for place in sorted(arrows) if (found := walk(place, []))), [])


@pytest.mark.parametrize("file", _modules("flows", "blocks", "deployments"), ids=_name)
def test_importing_opens_nothing(file: Path) -> None:
    """No engine, client or settings object at a module's level."""
    made = []
    for node in ast.parse(file.read_text()).body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr) else None
        for call in ast.walk(value) if value is not None else ():
            if isinstance(call, ast.Call):
                called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
                if called in OPENERS or called.endswith("Settings"):
                    made.append(f"{called} in line {call.lineno}")
    assert made == []
