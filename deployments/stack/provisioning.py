"""Provisioning of the embedded stack, in a process beside the start.

The process imports while the servers start, and sees to the first access once PostgreSQL is ready. A data folder that
this code has provisioned before, under the same addresses, has all that the worker needs: then it does not wait, and
what somebody removed meanwhile is made again when the stack is up.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import IO, Self

from deployments.stack.settings import StackSettings
from deployments.warm_worker.code_fingerprint import CodeFingerprint

_PACKAGES = ("flows", "blocks", "deployments")
_MARK = "provisioned-"
_AGAIN = "again"  # in the mark, which a worker that is started again must find all the same


class Provisioning:
    """The process, from the start of the stack until it has provisioned; ended with the block.

    Attributes: `mark`, a file that is there once this code has provisioned this data folder, under these addresses;
    `is_needed`, whether this start has to wait for it.
    """

    def __init__(self, settings: StackSettings, *, first_access: bool) -> None:
        self.mark = settings.root / "run" / f"{_MARK}{_fingerprint(settings)}"
        self.is_needed = not self.mark.exists() or self.mark.read_text() == _AGAIN
        self._options = [*(["--first-access"] if first_access else []), *([] if self.is_needed else ["--unchanged"])]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "deployments.stack.provisioning_process", *self._options]
        # In a session of its own: Ctrl-C is for the supervisor, which then ends it.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def begin(self) -> None:
        """Let it see to the ledger, as PostgreSQL is ready."""
        with suppress(BrokenPipeError):  # it has ended, as `finish` tells
            self._input.write("\n")
            self._input.flush()

    def made(self) -> dict[str, str | None] | None:
        """Wait for what was made for the first access, if that was to be made: `link` and `key`, each perhaps None.

        Returns:
            None if the process has ended, as `finish` tells.
        """
        output = self._running().stdout
        if output is None:
            raise RuntimeError("the process has no pipes")
        line = output.readline()
        made: dict[str, str | None] | None = json.loads(line) if line else None
        return made

    def finish(self) -> int:
        """Let it do the rest, as Prefect is ready, and leave the mark; its exit status. It has told of a failure."""
        with suppress(BrokenPipeError):
            self._input.close()
        status = self._running().wait()
        if status == 0:
            self.mark.parent.mkdir(exist_ok=True)
            self.mark.write_text("")
            for other in self.mark.parent.glob(f"{_MARK}*"):
                if other != self.mark:
                    other.unlink()
        elif status > 0 and not self.is_needed:  # below 0 it was ended with the stack
            self.mark.write_text(_AGAIN)  # the next start waits for it, and fails if that fails
        return status

    def finish_later(self) -> None:
        """The same, without waiting."""
        threading.Thread(target=self.finish, name="stack-provisioning", daemon=True).start()

    @property
    def _input(self) -> IO[str]:
        pipe = self._running().stdin
        if pipe is None:
            raise RuntimeError("the process has no pipes")
        return pipe

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("provisioning was not begun")
        return self._process


def _fingerprint(settings: StackSettings) -> str:
    code = CodeFingerprint(list(_PACKAGES)).fingerprint()
    return hashlib.blake2b(f"{code}\n{settings.model_dump_json()}".encode(), digest_size=8).hexdigest()
