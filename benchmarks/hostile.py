"""Reads a corpus of hostile files in processes that can be killed; each must end in a reading or a clear refusal.

    python -m benchmarks.hostile [--count 520] [--seed 1] [--engine auto] [--json FILE] [--keep FOLDER]

Prints what became of each format and mutation, the slowest file and the peak memory. Exit status 1 if any file
crashed the process, hung it, or raised anything but an `UnreadableError`.
"""

from __future__ import annotations

import argparse
import base64
import json
import resource
import select
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.hostile_corpus import corpus
from flows.domain.errors import UnreadableError
from flows.reading.reader import Reader

HANG_SECONDS = 60
CHILD_ADDRESS_SPACE_BYTES = 6_000_000_000
BAD = ("crash", "hang", "error")


def child(engine: str) -> None:
    """Reads one base64 file a line from stdin; answers one line of JSON each."""
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_ADDRESS_SPACE_BYTES, CHILD_ADDRESS_SPACE_BYTES))
    reader = Reader(engine=engine)
    for line in sys.stdin:
        answer = outcome(reader, base64.b64decode(line)) | {
            "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        }
        print(json.dumps(answer), flush=True)


def outcome(reader: Reader, data: bytes) -> dict[str, Any]:
    """What `reader` makes of `data`: "read", "refused" with the class, or "error" with what it raised."""
    try:
        text = reader.extract(data)
    except UnreadableError as refusal:
        return {"outcome": "refused", "why": type(refusal).__name__, "detail": str(refusal)}
    except Exception as error:  # whatever it is, it is what this looks for
        return {"outcome": "error", "why": type(error).__name__, "detail": str(error)[:300]}
    return {"outcome": "read", "why": f"{len(text.pages)} pages", "detail": ""}


class Child:
    """The reading process; started again after a crash or a hang."""

    def __init__(self, engine: str) -> None:
        self._command = [sys.executable, __file__, "--child", "--engine", engine]
        self._process: subprocess.Popen[str] | None = None

    def ask(self, data: bytes) -> dict[str, Any]:
        """The answer for one file, or "crash" or "hang"."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(base64.b64encode(data).decode() + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            return self._ended("crash")
        if not select.select([process.stdout], [], [], HANG_SECONDS)[0]:
            return self._ended("hang")
        line = process.stdout.readline()
        return json.loads(line) if line else self._ended("crash")

    def close(self) -> None:
        """Ends the process."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self._process

    def _ended(self, how: str) -> dict[str, Any]:
        process = self._running()
        if how == "hang":
            process.kill()
        status = process.wait()
        self._process = None
        return {"outcome": how, "why": f"exit status {status}", "detail": "", "rss_mb": 0}


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Every file of the corpus through one child after another."""
    reading, rows = Child(arguments.engine), []
    try:
        for name, data in corpus(arguments.count, arguments.seed):
            started = time.monotonic()
            answer = reading.ask(data)
            rows.append({"file": name, "bytes": len(data), "seconds": time.monotonic() - started, **answer})
            if answer["outcome"] in BAD:
                print(f"{answer['outcome'].upper()} {name}: {answer['why']} {answer['detail']}", file=sys.stderr)
                keep(arguments.keep, name, data)
    finally:
        reading.close()
    return summary(rows)


def keep(folder: Path | None, name: str, data: bytes) -> None:
    """Leaves a file that failed where it can be looked at."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name.replace("/", "-")).write_bytes(data)


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts of outcomes, in all, by format and by class of refusal."""
    slowest = max(rows, key=lambda row: row["seconds"])
    return {
        "files": len(rows),
        "outcomes": dict(Counter(row["outcome"] for row in rows)),
        "refusals": dict(Counter(row["why"] for row in rows if row["outcome"] == "refused")),
        "by_format": {
            name: dict(Counter(row["outcome"] for row in rows if row["file"].startswith(f"{name}/")))
            for name in sorted({row["file"].split("/")[0] for row in rows})
        },
        "bad": [row for row in rows if row["outcome"] in BAD],
        "slowest": {"file": slowest["file"], "seconds": round(slowest["seconds"], 2)},
        "peak_rss_mb": max(row["rss_mb"] for row in rows),
    }


def show(result: dict[str, Any]) -> None:
    """The summary for people."""
    print(f"{result['files']} files: " + ", ".join(f"{count} {name}" for name, count in result["outcomes"].items()))
    for name, counts in result["by_format"].items():
        print(f"  {name:18} " + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    print("refused as: " + ", ".join(f"{count} {name}" for name, count in sorted(result["refusals"].items())))
    print(f"slowest: {result['slowest']['file']}, {result['slowest']['seconds']} s; peak {result['peak_rss_mb']} MB")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=520, help="mutated files, beside the known tricks")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--json", type=Path, help="write the result there")
    parser.add_argument("--keep", type=Path, help="folder for the files that failed")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.engine)
        return 0
    result = run(arguments)
    show(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2))
    return 1 if result["bad"] else 0


if __name__ == "__main__":
    sys.exit(main())
