"""The wheel works without the repository: built, installed into an environment of its own, it starts a whole stack
from another folder, provisions it, reads a receipt and stops.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import version
from pathlib import Path

import pytest
from conftest import free_ports

from deployments.samples.catalogue import CATALOGUE
from deployments.samples.render import render_receipt

ROOT = Path(__file__).parent.parent
PACKAGES = ("flows", "blocks", "deployments")
# Packaged beside modules: each would be missed by `up` or by a page only when it is asked for.
DATA = {
    "deployments/provisioning/prefect.yaml",
    "deployments/gateway/web/base/layout.html",
    "deployments/gateway/web/static/app.css",
    "deployments/gateway/web/static/htmx-2.0.11.min.js",
    "flows/ledger/migrations/script.py.mako",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, as pip would leave its own folders in the source."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, source)
    built = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", str(built), str(source)], check=True)
    shutil.rmtree(source)
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and the dependencies of the tests' own, without its link to the source."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    # A folder on the path by a .pth file has no .pth files of its own followed: an editable install stays out.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "install", "--quiet", "--no-index"]
    subprocess.run([*pip, "--no-deps", "--ignore-installed", str(wheel)], check=True)
    # A wheel's programs lie beside its interpreter; this one is no Python script, so it brings no other environment in.
    (folder / "bin/weed").symlink_to(Path(sys.executable).with_name("weed"))
    return folder


def _run(installed: Path, folder: Path, *command: str, **more: str) -> str:
    environment = {"PATH": f"{installed}/bin:/usr/bin:/bin", "HOME": os.environ["HOME"], **more}
    done = subprocess.run(
        [str(installed / "bin" / command[0]), *command[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", str(wheel)], check=True, capture_output=True, text=True
    )
    names = {line.split()[0] for line in listed.stdout.splitlines()[1:]}
    tracked = {
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }
    assert tracked >= DATA
    assert tracked <= names


def test_the_packages_come_from_the_new_environment(installed: Path, tmp_path: Path) -> None:
    program = (
        "import json, flows, blocks, deployments; print(json.dumps([m.__file__ for m in (flows, blocks, deployments)]))"
    )
    files = json.loads(_run(installed, tmp_path, "python", "-c", program))
    assert all(Path(file).is_relative_to(installed) for file in files)
    assert _run(installed, tmp_path, "receiptflow", "--version").split() == ["receiptflow", version("receiptflow")]
    paths = json.loads(_run(installed, tmp_path, "python", "-c", "import json, sys; print(json.dumps(sys.path))"))
    assert not [path for path in paths if path and Path(path) == ROOT]


def test_up_from_any_folder_processes_a_receipt_and_stops(installed: Path, tmp_path: Path) -> None:
    folder, receipts = tmp_path / "elsewhere", tmp_path / "receipts"
    folder.mkdir()
    receipts.mkdir()
    for number in range(2):
        render_receipt(CATALOGUE[number], receipts / f"{number}.jpg", seed=number)
    up = ("receiptflow", "up", "--port", str(free_ports()), "--receipts", str(receipts), "--once")
    printed = _run(installed, folder, *up)
    assert re.search(r"2 receipts in [\d.]+ s", printed)
    assert (folder / ".receiptflow").is_dir()
