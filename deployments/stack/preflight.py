"""What would stop `receiptflow up` with given settings, found without starting or changing anything; and, where the
ledger is elsewhere, whether its tables are those of this version.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

from deployments.stack.datadir import owner_of_data, require_free_ports
from deployments.stack.doctor import Problem
from deployments.stack.errors import PortBusyError
from deployments.stack.settings import StackSettings
from flows.domain.errors import ReceiptflowError
from flows.ledger.migrate import schema_is_current

# A new stack takes some 250 MB (PostgreSQL's two databases, SeaweedFS's first volumes), a thousand receipts 1.1 GB.
_LEAST_FREE_BYTES = 1 << 30
# Beside modules, in packages: what a wheel that was built wrongly lacks.
_PACKAGED = (
    ("deployments.provisioning", "prefect.yaml"),
    ("deployments.gateway.web", "base/layout.html"),
    ("flows.ledger.migrations", "env.py"),
    ("flows.reading.parser", "concepts.json"),
)


def check_start(settings: StackSettings) -> list[Problem]:
    """What is in the way of starting a stack; nothing is, where that very stack runs already."""
    checks: list[Callable[[], Iterator[Problem]]] = [_check_packaged, _check_ledger]
    if owner_of_data(settings.root) is None:
        checks += [lambda: _check_folder(settings.root), lambda: _check_ports(settings)]
    return [problem for check in checks for problem in check()]


def _check_packaged() -> Iterator[Problem]:
    for package, name in _PACKAGED:
        if not files(package).joinpath(name).is_file():
            yield Problem(f"file {name} of {package}", "the installation is incomplete: install receiptflow again")


def _check_ledger() -> Iterator[Problem]:
    """A ledger that the environment names, as for the parts of a stack on several machines."""
    url = os.environ.get("RECEIPTFLOW_LEDGER_URL")
    if not url:
        return
    try:
        if not schema_is_current(url):
            yield Problem("the ledger's tables of this version", "run `receiptflow provision`")
    except ReceiptflowError as error:
        yield Problem(f"the ledger ({error})", "correct RECEIPTFLOW_LEDGER_URL, or start its PostgreSQL")


def _check_folder(root: Path) -> Iterator[Problem]:
    """The data folder, or the nearest folder above that exists, can be written and has space."""
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Problem(f"a data folder that you can write ({there} is none)", "choose another with --data or DATA=…")
        return
    free = shutil.disk_usage(there).free
    if free < _LEAST_FREE_BYTES:
        yield Problem(f"space for {root} ({free >> 20} MB free)", "free 1 GB there, or choose another with --data")


def _check_ports(settings: StackSettings) -> Iterator[Problem]:
    try:
        require_free_ports(settings.ports)
    except PortBusyError as error:
        yield Problem("free ports", str(error))
