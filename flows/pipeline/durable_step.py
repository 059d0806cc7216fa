"""A step's durable output: where it lies, and that a step whose output exists is not executed again.

Prefect can persist a task's result too, but writes it after the task's body, outside its retries: with S3 away the
task ends `RolledBack`, of type COMPLETED, and the result is gone. So the body itself writes the output, and a write
that fails is retried like the rest of the step.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from flows.storage import Results

Output = TypeVar("Output", bound=BaseModel)
EXECUTION_LOG = "RECEIPTFLOW_EXECUTION_LOG"


def result_key(sha256: str, step: str, version: str) -> str:
    """The key of a step's output in the results bucket."""
    return f"{sha256}/{step}/{version}.json"


class Step(Generic[Output]):
    """One step on one content: knows where its output lies and executes only while there is none.

    Args:
        sha256: of the content, in hex.
        name: of the step, as in `flows.pipeline.retries.POLICIES`.
        version: changes whenever the same content could give another output.
        model: the value model of the output.
    """

    def __init__(self, sha256: str, name: str, version: str, model: type[Output]) -> None:
        self.sha256, self.name, self.version, self.model = sha256, name, version, model
        self.key = result_key(sha256, name, version)

    def durable(self, results: Results, run: Callable[[], Output]) -> tuple[Output, bool]:
        """The output, and whether it was there already (so that nothing was executed)."""
        kept = self.load(results)
        if kept is not None:
            return kept, True
        log_execution("started", self.name, self.sha256, self.version)
        began, cpu = time.perf_counter(), time.thread_time()
        output = run()
        spent = (time.thread_time() - cpu, time.perf_counter() - began)
        results.put_model(self.key, output)
        log_execution("durable", self.name, self.sha256, self.version, spent)
        return output, False

    def load(self, results: Results) -> Output | None:
        """The durable output, or None while there is none."""
        return _load(results, self.key, self.model)


def _load(results: Results, key: str, model: type[Output]) -> Output | None:
    body = results.get(key)
    if body is None:
        return None
    try:
        return model.model_validate_json(body)
    except ValidationError:
        # Damaged or foreign content under our key: doing the step again is safe and replaces it.
        return None


def log_execution(
    event: str, step: str, subject: str, version: str = "", spent_seconds: tuple[float, ...] = ()
) -> None:
    """Append one line to the file named by RECEIPTFLOW_EXECUTION_LOG, if it is set.

    The file counts executions outside Prefect and outside the ledger, for `make chaos`, `make bench` and the tests. A
    line is written by a single append, so lines of many processes never mix. It begins with the machine's seconds since
    its start, which are the same for all processes, and right while the time of day is not. `spent_seconds` (CPU of the
    thread, wall) is what the step's own function took, without the writing of its output.
    """
    path = os.environ.get(EXECUTION_LOG)
    if not path:
        return
    spent = "".join(f"\t{seconds:.4f}" for seconds in spent_seconds)
    line = f"{time.monotonic():.6f}\t{event}\t{step}\t{subject}\t{version}\t{os.getpid()}{spent}\n"
    descriptor = os.open(Path(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
