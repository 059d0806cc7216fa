"""What systemd is told of a unit of type notify (sd_notify(3))."""

from __future__ import annotations

import os
import socket


def tell_service_manager(state: str) -> None:
    """Send a state such as `READY=1`; nothing where no service manager asked for it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        sender.sendall(state.encode())
