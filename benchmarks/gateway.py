"""How fast receipts are taken in while OCR uses all cores, how soon events arrive, and what a gateway's memory does.

    python -m benchmarks.gateway [--json FILE] [--data FOLDER] [--senders 20] [--pause 4] [--seconds 60]

Starts a stack of its own, or uses the one that runs on FOLDER. Four phases:

1. accept, alone: one photo of 1 MB after the other, each when the one before has its final place.
2. accept: each of the senders posts a photo of 1 MB every `pause` seconds, as people do, not as fast as a loop can.
   The photos are real pictures with different content, so that OCR is busy with those that came before.
3. event to receipt: objects are put into the bucket past the gateway; from the put's answer to the receipt's time.
4. memory: the gateway's resident memory before and after bodies of the largest size, several at once.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
import psutil

from deployments.cli.demo import sample_folder
from deployments.stack.settings import StackSettings

PHOTO_BYTES = 1_000_000
LARGE_BYTES = 20_000_000
START_SECONDS = 300
EVENT_SECONDS = 60


def main() -> None:
    """Run the phases, print the figures, write them."""
    options = _options()
    with running_stack(options.data, options.port) as root:
        figures = asyncio.run(_measure(root, options))
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the gateway.")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--data", type=Path, help="a running stack's folder; else one is started")
    parser.add_argument("--port", type=int, default=27_800)
    parser.add_argument("--senders", type=int, default=20)
    parser.add_argument("--pause", type=float, default=4.0, help="seconds between two photos of one sender")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--alone", type=int, default=30, help="photos posted one after the other")
    parser.add_argument("--events", type=int, default=40)
    return parser.parse_args()


@contextmanager
def running_stack(data: Path | None, port: int) -> Iterator[Path]:
    """The folder of a running stack: `data`, or one that is started for the block."""
    if data:
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="receiptflow-bench-") as folder:
        command = [str(Path(sys.executable).with_name("receiptflow")), "up", "--data", folder, "--port", str(port)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            _await_key(Path(folder), process)
            yield Path(folder)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=120)


def _await_key(folder: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (folder / "api-key").exists() or "gateway" not in stack_state(folder)["pids"]:
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("the stack did not start")
        time.sleep(0.5)


def stack_state(folder: Path) -> dict[str, Any]:
    """What the stack wrote down of itself."""
    state: dict[str, Any] = json.loads((folder / "stack.json").read_text())
    return state


async def _measure(root: Path, options: argparse.Namespace) -> dict[str, Any]:
    state, key = stack_state(root), (root / "api-key").read_text().strip()
    photos = _photos(root)
    async with httpx.AsyncClient(
        base_url=state["endpoints"]["gateway"],
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
        limits=httpx.Limits(max_connections=100),
    ) as client:
        await asyncio.gather(*(_post(client, _unique(photos[n % len(photos)])) for n in range(10)))
        alone = await _alone(client, photos, options.alone)
        accept = await _accept(client, photos, options)
        events = await _events(client, state["environment"], options.events)
        growth = await _growth(client, _gateway_process(state["endpoints"]["gateway"]))
    return {
        "accept_ms": accept,
        "accept_alone_ms": alone,
        "event_to_receipt_seconds": events,
        "rss_growth_mb": growth,
        "cores": os.cpu_count(),
        "load_average_1_min": round(os.getloadavg()[0], 1),
    }


def _photos(root: Path) -> list[bytes]:
    samples = sample_folder(StackSettings(data_dir=root))
    found = [path.read_bytes() for path in sorted(samples.glob("*.jpg"))]
    return [photo for photo in found if len(photo) < PHOTO_BYTES]


def _unique(photo: bytes, size: int = PHOTO_BYTES) -> bytes:
    """The photo with random bytes behind its end: another content, the same picture."""
    return photo + secrets.token_bytes(size - len(photo))


async def _post(client: httpx.AsyncClient, body: bytes) -> float:
    began = time.perf_counter()
    answer = await client.post("/receipts?name=photo.jpg", content=body, headers={"Content-Type": "image/jpeg"})
    seconds = time.perf_counter() - began
    if answer.status_code != 202:
        raise SystemExit(f"{answer.status_code}: {answer.text}")
    return seconds


async def _alone(client: httpx.AsyncClient, photos: list[bytes], count: int) -> dict[str, float]:
    milliseconds = []
    for number in range(count):
        await _await_quiet(client)
        milliseconds.append(1000 * await _post(client, _unique(photos[number % len(photos)])))
    ordered = sorted(milliseconds)
    return {"p50": _quantile(ordered, 0.5), "p99": _quantile(ordered, 0.99), "photos": count}


async def _await_quiet(client: httpx.AsyncClient) -> None:
    """Wait until no receipt waits or runs."""
    while True:
        left = [
            (await client.get("/receipts", params={"state": state, "limit": 1})).json()["items"]
            for state in ("waiting", "running")
        ]
        if not any(left):
            return
        await asyncio.sleep(0.2)


async def _accept(client: httpx.AsyncClient, photos: list[bytes], options: argparse.Namespace) -> dict[str, float]:
    async def sender(number: int) -> list[float]:
        await asyncio.sleep(number / options.senders * options.pause)
        taken = []
        for turn in range(max(1, int(options.seconds / options.pause))):
            body = _unique(photos[(number + turn) % len(photos)])
            due = asyncio.get_running_loop().time() + options.pause
            taken.append(await _post(client, body))
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        return taken

    taken = await asyncio.gather(*(sender(number) for number in range(options.senders)))
    milliseconds = sorted(seconds * 1000 for one in taken for seconds in one)
    return {"p50": _quantile(milliseconds, 0.5), "p99": _quantile(milliseconds, 0.99), "photos": len(milliseconds)}


async def _events(client: httpx.AsyncClient, env: dict[str, str], count: int) -> dict[str, float]:
    s3 = boto3.client(
        "s3",
        endpoint_url=env["RECEIPTFLOW_S3_ENDPOINT_URL"],
        aws_access_key_id=env["RECEIPTFLOW_S3_ACCESS_KEY"],
        aws_secret_access_key=env["RECEIPTFLOW_S3_SECRET_KEY"],
        region_name="us-east-1",
    )
    put: dict[str, float] = {}
    for _ in range(count):
        key = f"default/bench-{secrets.token_hex(6)}.jpg"
        await asyncio.to_thread(s3.put_object, Bucket=env["RECEIPTFLOW_INBOX_BUCKET"], Key=key, Body=os.urandom(2000))
        put[key] = time.time()
        await asyncio.sleep(0.2)
    seconds = sorted(await _seen(client, put))
    return {"p50": _quantile(seconds, 0.5, 3), "p95": _quantile(seconds, 0.95, 3), "events": len(seconds)}


async def _seen(client: httpx.AsyncClient, put: dict[str, float]) -> list[float]:
    """Seconds from each put to its receipt's time, which the database writes on the same machine's clock."""
    deadline = time.monotonic() + EVENT_SECONDS
    while True:
        items = (await client.get("/receipts?limit=500")).json()["items"]
        found = {one["key"]: one["received_at"] for one in items if one["key"] in put}
        if len(found) == len(put):
            return [max(0.0, _epoch(at) - put[key]) for key, at in found.items()]
        if time.monotonic() > deadline:
            raise SystemExit(f"{len(put) - len(found)} objects were not received within {EVENT_SECONDS} s")
        await asyncio.sleep(0.5)


def _epoch(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()


def _gateway_process(url: str) -> psutil.Process:
    """The gateway's process; it may have been restarted since the stack wrote its process ids down."""
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if command[1:3] == ["-m", "deployments.gateway"] and process.environ().get("RECEIPTFLOW_GATEWAY_URL") == url:
            return process
    raise SystemExit(f"no process of a gateway at {url}")


async def _growth(client: httpx.AsyncClient, process: psutil.Process) -> float:
    """Megabytes by which the process grew at its peak while it took bodies of 20 MB, four at once."""
    peak = before = int(process.memory_info().rss)
    for _ in range(5):
        posts = asyncio.gather(*(_post(client, _unique(b"\xff\xd8\xff", LARGE_BYTES)) for _ in range(4)))
        while not posts.done():
            peak = max(peak, int(process.memory_info().rss))
            await asyncio.sleep(0.01)
        await posts
    return round((peak - before) / 1_000_000, 1)


def _quantile(ordered: list[float], share: float, digits: int = 1) -> float:
    return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], digits)


if __name__ == "__main__":
    main()
