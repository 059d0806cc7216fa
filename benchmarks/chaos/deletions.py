"""What is left of receipts that their owner deleted, wherever content could be: ledger, buckets, Prefect's database.

By plain SQL and S3 alone. Deleted objects' versions count, delete markers do not: they hold nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psycopg

from benchmarks.chaos.operations import Deleted
from benchmarks.chaos.rig import Rig

# Table → condition on what names the receipt: %(key)s, %(sha)s, %(id)s.
_LEDGER = {
    "receipts": "id::text = %(id)s OR sha256 = %(sha)s",
    "contents": "sha256 = %(sha)s",
    "notifications": "payload::text LIKE %(key_like)s",
    "state_changes": "reason LIKE %(key_like)s",
}
_PREFECT = {
    "flow_run": "name LIKE %(key_like)s OR parameters::text LIKE %(key_like)s",
    "flow_run_state": "message LIKE %(key_like)s",
    "artifact": "data::text LIKE %(key_like)s",
    "log": "message LIKE %(key_like)s",
    "events": "concat(resource, payload, related) LIKE %(key_like)s",
    "event_resources": "resource::text LIKE %(key_like)s",
}


def resurrected(receipts: Iterable[dict[str, Any]], deleted: Sequence[Deleted]) -> list[str]:
    """Receipts that stand for what was deleted."""
    ids, keys = {one.receipt_id for one in deleted}, {one.key for one in deleted}
    contents = {one.sha256 for one in deleted}
    back = (one for one in receipts if str(one["id"]) in ids or one["key"] in keys or one["sha256"] in contents)
    return [f"receipt {one['id']} of {one['key']} is {one['state']}" for one in back]


def content_left(rig: Rig, deleted: Sequence[Deleted], there: Sequence[dict[str, Any]]) -> list[str]:
    """Every place where something of a deleted receipt is found.

    Raises:
        RuntimeError: a receipt of those that are `there` is not found where it must be, so that not finding a deleted
            one proves nothing.
    """
    control = next((one for one in there if one["state"] == "expensed"), None)
    if control is not None:
        found = set(_places(rig, Deleted(str(control["id"]), control["key"], control["sha256"])))
        # Its copies are rows of their own, with the same content.
        rows = any(place.endswith(" rows of ledger.receipts") for place in found)
        if not ({"inbox", "results"} <= found and rows):
            raise RuntimeError(f"of the receipt {control['key']}, which is there, only {found} is found")
    return [f"{place}: {one.key}" for one in deleted for place in _places(rig, one)]


def _places(rig: Rig, one: Deleted) -> Iterator[str]:
    yield from _objects(rig, one)
    names = {"id": one.receipt_id, "sha": one.sha256, "key_like": f"%{_escaped(one.key)}%"}
    for database, tables in (("ledger", _LEDGER), ("prefect", _PREFECT)):
        with rig.database(database) as connection:
            yield from _rows(connection, database, tables, names)


def _objects(rig: Rig, one: Deleted) -> Iterator[str]:
    s3 = rig.s3()
    versions = s3.list_object_versions(Bucket="inbox", Prefix=one.key).get("Versions", ())
    if any(version["Key"] == one.key for version in versions):
        yield "inbox"
    if s3.list_objects_v2(Bucket="results", Prefix=f"{one.sha256}/").get("KeyCount"):
        yield "results"


def _rows(
    connection: psycopg.Connection[Any], database: str, tables: dict[str, str], names: dict[str, str]
) -> Iterator[str]:
    for table, condition in tables.items():
        query = f"SELECT count(*) FROM {table} WHERE {condition}"  # noqa: S608 - constants of this module
        (count,) = connection.execute(query, names).fetchone() or (0,)
        if count:
            yield f"{count} rows of {database}.{table}"


def _escaped(text: str) -> str:
    """A LIKE pattern's own characters, as they are."""
    return re.sub(r"([%_\\])", r"\\\1", text)
