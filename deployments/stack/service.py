"""What the supervisor needs to know about one part of the stack, and the checks that parts have in common."""

from __future__ import annotations

import http.client
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Check = Callable[[], None]
"""Returns when all is well, raises whatever it likes when it is not. It must give up within about 5 seconds."""


@dataclass(frozen=True)
class Service:
    """One supervised program.

    `command` runs with the stack's environment plus `env`. `prepare` runs before each start, `provision` after the
    part became ready for the first time; both must be harmless when repeated. A part with no `ready_check` counts as
    ready once it runs, one with no `liveness_check` is restarted only when it ends. `needs` names the parts that
    must be ready before this one is started. `successor` names a child of the program that goes on in its place when
    it is killed (`guardian`). Seconds everywhere.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready_check: Check | None = None
    liveness_check: Check | None = None
    stop_timeout: float = 10.0
    start_timeout: float = 120.0
    needs: tuple[str, ...] = ()
    prepare: Check | None = None
    provision: Check | None = None
    stop_signal: int = signal.SIGTERM
    user: str = ""
    niceness: int = 0
    successor: str = ""


class HttpCheck:
    """Asks for a path on 127.0.0.1 over one kept connection; any status from 200 to 399 is well."""

    def __init__(self, port: int, path: str, timeout: float = 3.0) -> None:
        self._path = path
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def __call__(self) -> None:
        """Raise if the answer is late, missing or an error."""
        try:
            self._connection.request("GET", self._path)
            response = self._connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        if response.status >= 400:
            raise ConnectionError(f"{self._path} answered {response.status}")
