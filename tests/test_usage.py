"""`receiptflow usage` adds up what is there, and says when the disk is full at the present rate."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from gateway_helpers import Gateway
from ledger_helpers import expensed

from deployments.cli.usage import Usage, in_words, measure
from deployments.disk import Disk, disk_of
from flows.ledger.database import Ledger
from flows.ledger.usage import read_usage
from flows.pipeline.configuration import Pipeline
from flows.storage import Results

pytest_plugins = ["gateway_helpers"]


def test_days_left_follow_from_size_and_rate() -> None:
    found = Usage({"ledger": 600, "originals": 400}, 10, 5.0, Disk(free_bytes=5_000, total_bytes=10_000))
    assert (found.bytes_a_receipt, found.days_left) == (100.0, 10.0)
    assert Usage({}, 0, 0.0, found.disk).days_left is None
    assert Usage(found.parts, 10, 5.0, None).days_left is None


def test_a_disk_is_low_below_its_fraction(tmp_path: Path) -> None:
    assert Disk(free_bytes=99, total_bytes=1000).is_low(0.1)
    assert not Disk(free_bytes=100, total_bytes=1000).is_low(0.1)
    assert 0 < disk_of(tmp_path).free_bytes <= disk_of(tmp_path).total_bytes


def test_the_ledger_says_its_own_size_and_rate(ledger: Ledger) -> None:
    expensed(ledger, "anna/1.jpg")
    with ledger.session() as session:
        found = read_usage(session=session)
    assert (found.receipts, found.originals_bytes) == (1, 7)
    assert found.receipts_a_day == pytest.approx(1.0), "the first day counts as a whole one"
    assert found.ledger_bytes > 1_000_000
    with ledger.session() as session:
        elsewhere = read_usage(session=session, prefect_database="none of this name")
    assert elsewhere.prefect_bytes is None


def test_results_and_logs_are_measured(ledger: Ledger, s3_client: Any, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "worker.log").write_bytes(b"12345")
    bucket = f"usage-{uuid.uuid4().hex[:8]}"  # of its own: elsewhere others may tidy up meanwhile
    s3_client.create_bucket(Bucket=bucket)
    results = Results(s3_client, bucket)

    def measured() -> dict[str, int]:
        pipeline = Pipeline("inbox", s3_client, results, ledger, lambda: None, 1, None)  # type: ignore[arg-type,return-value]  # reads nothing
        return measure(pipeline, tmp_path).parts

    before = measured()
    results.put("ab/extract_text/1.json", b"x" * 1000)
    after = measured()
    results.remove_all("")
    s3_client.delete_bucket(Bucket=bucket)
    assert after["results"] - before["results"] == 1000 and after["logs"] == 5


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_500_000_000_000_000, "2500.0 TB")]
)
def test_sizes_in_words(size: float, words: str) -> None:
    assert in_words(size) == words


async def test_the_gateway_warns_before_the_disk_is_full(
    start_gateway: Callable[..., AbstractAsyncContextManager[Gateway]], tmp_path: Path
) -> None:
    """And goes on accepting receipts: a warning does not make it unready."""
    for fraction, low in ((0.0, False), (0.999999, True)):
        async with start_gateway(data_dir=tmp_path, disk_warning_fraction=fraction) as gateway:
            ready = (await gateway.nobody.get("/ready")).json()
            metrics = (await gateway.anna.get("/metrics")).text
        assert (ready["ready"], ready["disk_low"]) == (True, low)
        assert f"receiptflow_disk_low {float(low)}" in metrics
        assert "receiptflow_disk_free_bytes " in metrics
