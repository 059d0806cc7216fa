"""What `up` says about other devices: their addresses, a QR code, and what the browser there will ask or lack."""

from __future__ import annotations

import sys

from deployments.cli.common import console
from deployments.stack.lan import lan_urls
from deployments.stack.settings import StackSettings

_CLEAR = (
    "Without TLS everything there goes readable through the network, and browsers keep no sign-in: only API keys work. "
    "Leave --no-tls out, or give --tls-cert and --tls-key."
)
_OWN = (
    "The certificate is this stack's own: a browser warns once. For installing and sharing, open {url}/app/phone "
    "there, and let the device trust the authority that it offers."
)


def print_lan(settings: StackSettings) -> None:
    """Print the addresses for other devices, the first also as a QR code; nothing where none was asked for."""
    import segno  # noqa: PLC0415  # only where it is used

    if not settings.lan_host:
        return
    urls = lan_urls(settings)
    if not urls:
        console.print("Other devices   none reach this machine: it has no address but its own; connect it to a network")
        return
    for url in urls:
        console.print(f"Other devices   {url}/", soft_wrap=True)
    if console.is_terminal:
        segno.make(f"{urls[0]}/app/", error="m", micro=False).terminal(out=sys.stdout, border=2, compact=True)
    if not settings.lan_tls:
        console.print(_CLEAR, style="yellow", soft_wrap=True)
    elif settings.tls_cert is None:
        console.print(_OWN.format(url=urls[0]), soft_wrap=True)
