"""Restore into the data folder of an embedded stack, whose PostgreSQL and SeaweedFS run for as long as it takes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping

from deployments.backup.errors import NotEmptyError
from deployments.backup.manifest import SECRETS, Snapshot
from deployments.backup.restore import Restore, Restored, require_empty, require_restorable
from deployments.backup.sealing import Opener
from deployments.backup.site import site_of
from deployments.stack import Stack
from deployments.stack.credentials import FILE_NAME as CREDENTIALS
from deployments.stack.credentials import write_private
from deployments.stack.datadir import RESTORE_MARK, DataLock, make_folders
from deployments.stack.settings import StackSettings

_SIGNS_OF_A_STACK = ("postgres", "seaweedfs", CREDENTIALS)


def restore_stack(snapshot: Snapshot, settings: StackSettings, opener: Opener, *, replace: bool = False) -> Restored:
    """Restore a snapshot; `receiptflow up` starts the stack afterwards.

    Args:
        snapshot: Which backup.
        settings: The data folder, and ports for the time of the restore.
        opener: Has the secret key if the backup is encrypted.
        replace: Put the backup's ledger in place of one that is there. Objects that are in the buckets stay.

    Raises:
        BackupError: says what is wrong with the backup or the folder.
        StackError: a stack runs on the folder, or its parts do not start.
    """
    require_restorable(snapshot.manifest)
    root, mark = settings.root, settings.root / RESTORE_MARK
    if not (replace or mark.exists()) and any((root / name).exists() for name in _SIGNS_OF_A_STACK):
        raise NotEmptyError(
            f"{root} has a stack already: restore into another folder (--data), or replace its ledger (--replace)."
        )
    secrets = _secrets_of(snapshot, opener)
    make_folders(settings)
    _begin(settings, snapshot, secrets)
    with Stack(settings, core=("postgres", "seaweedfs")) as stack:
        done = Restore(snapshot, site_of(stack.environment, root), opener).run()
    mark.unlink()
    return done


def restore_elsewhere(
    snapshot: Snapshot, environment: Mapping[str, str], opener: Opener, *, replace: bool = False
) -> Restored:
    """Restore ledger and objects to parts that run elsewhere; gateway and workers must not run meanwhile.

    Raises:
        BackupError: says what is wrong with the backup or the place.
    """
    require_restorable(snapshot.manifest)
    site = site_of(environment, None)
    if not replace:
        require_empty(site)
    return Restore(snapshot, site, opener).run()


def _secrets_of(snapshot: Snapshot, opener: Opener) -> dict[str, str]:
    """The stack's secret files by name; none where the backup was taken without."""
    if not snapshot.has(SECRETS):
        return {}
    with tempfile.TemporaryFile() as file:
        snapshot.read(SECRETS, file, opener)
        files: dict[str, str] = json.load(file)
    return files


def _begin(settings: StackSettings, snapshot: Snapshot, secrets: dict[str, str]) -> None:
    """Mark the folder and give it the backup's secrets, unless a stack runs on it."""
    lock = DataLock(settings.root)
    lock.acquire()
    try:
        write_private(settings.root / RESTORE_MARK, snapshot.name)
        for name, text in secrets.items():
            write_private(settings.root / name, text)
    finally:
        lock.release()
