"""The worker's end of its master: the order for a zygote, and the worker's signs of life."""

from __future__ import annotations

import array
import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

_HEARTBEAT_SECONDS = 1.0


class MasterLink:
    """Has zygotes forked from the process that the worker itself was forked from."""

    def __init__(self, link: socket.socket, is_current: Callable[[], bool]) -> None:
        self._link = link
        self._link.setblocking(False)
        self._is_current = is_current

    def is_current(self) -> bool:
        """Whether what the master imported is the code as it is on disk now: only then are its forks of use."""
        return self._is_current()

    def fork_zygote(self, link: socket.socket) -> None:
        """Have a zygote forked that takes its orders from this socket."""
        self._link.sendmsg([b"zygote"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [link.fileno()]))])

    async def heartbeat(self) -> None:
        """Say again and again that the worker's event loop turns."""
        while True:
            with suppress(BlockingIOError):  # a prefork master that does not listen has no need to know
                self._link.send(b"alive")
            await asyncio.sleep(_HEARTBEAT_SECONDS)
