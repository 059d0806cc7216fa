"""Remove old snapshots, and the objects that none of the others holds. Needs no secret key: names tell all."""

from __future__ import annotations

import tempfile

from deployments.backup.catalogue import OBJECTS, identity_in, open_catalogue
from deployments.backup.destinations import Destination
from deployments.backup.lines import read_lines
from deployments.backup.manifest import BLOBS, MANIFEST, SNAPSHOTS, finished_snapshots, load_snapshot
from deployments.backup.sealing import Opener


def remove_older(destination: Destination, keep: int) -> None:
    """Keep the newest `keep` snapshots. Cut off anywhere it leaves no snapshot without its objects."""
    kept = finished_snapshots(destination)[-keep:]
    older = [name for name in destination.names(f"{SNAPSHOTS}/") if name.split("/")[1] not in kept]
    for name in sorted(older, key=lambda name: not name.endswith(f"/{MANIFEST}")):  # a snapshot ends with its manifest
        destination.delete(name)
    _remove_unused(destination, kept)


def _remove_unused(destination: Destination, kept: list[str]) -> None:
    with open_catalogue() as catalogue:
        for name in kept:
            with tempfile.TemporaryFile() as file:
                load_snapshot(destination, name).read(BLOBS, file, Opener())
                catalogue.add_stored(read_lines(file))
        unused = [name for name in destination.names(f"{OBJECTS}/") if catalogue.stored(identity_in(name)) != name]
    for name in unused:
        destination.delete(name)
