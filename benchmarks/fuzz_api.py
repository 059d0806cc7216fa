"""Fuzzes the gateway from its own OpenAPI document: whatever is sent, nothing is answered 5xx.

    python -m benchmarks.fuzz_api [--seconds 300] [--data FOLDER] [--port 27900]

Starts a stack of its own, or uses the one that runs on FOLDER, and starts a second gateway on it whose rate limits
don't end the fuzzing. Exit status 1 if schemathesis found a server error, an answer that its document does not
describe, or an endpoint that answers without a key.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.gateway import running_stack, stack_state

CHECKS = (
    "not_a_server_error",
    "content_type_conformance",
    "response_schema_conformance",
    "status_code_conformance",
    "ignored_auth",
)
RATE = "100000000/minute"


def main() -> int:
    """Start, fuzz, report."""
    parser = argparse.ArgumentParser(description="Fuzz the gateway.")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--data", type=Path, help="a running stack's folder; else one is started")
    parser.add_argument("--port", type=int, default=27_900)
    options = parser.parse_args()
    with running_stack(options.data, options.port) as root, _gateway(root) as url:
        return _fuzz(url, (root / "api-key").read_text().strip(), options.seconds)


@contextmanager
def _gateway(root: Path) -> Iterator[str]:
    """A gateway beside the stack's own, without rate limits."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    rates = {"RECEIPTFLOW_REQUEST_RATE": RATE, "RECEIPTFLOW_UPLOAD_RATE": RATE, "RECEIPTFLOW_REFUSAL_RATE": RATE}
    env = {**os.environ, **stack_state(root)["environment"], **rates, "RECEIPTFLOW_GATEWAY_URL": url}
    with Path(os.devnull).open("w") as nowhere:
        process = subprocess.Popen([sys.executable, "-m", "deployments.gateway"], env=env, stderr=nowhere)
    try:
        _await(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/ready").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise SystemExit("the gateway did not start")


def _fuzz(url: str, key: str, seconds: int) -> int:
    command = ["schemathesis", "run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {key}"]
    options = [
        *("--checks", ",".join(CHECKS)),
        *("--phases", "examples,coverage,fuzzing"),
        *("--max-time", str(seconds)),
        *("--request-timeout", "90"),  # a long poll takes up to 60 s
        "--continue-on-failure",
    ]
    program = Path(sys.executable).with_name(command[0])
    return subprocess.run([program, *command[1:], *options], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
