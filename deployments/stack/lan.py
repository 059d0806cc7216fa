"""The gateway for other devices of the network: under which addresses they reach it, and what certificate they see."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import psutil

from deployments.stack.errors import DataUnusableError
from deployments.stack.local_authority import LocalAuthority
from deployments.stack.settings import StackSettings

_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104  # compared, not listened on
# Bridges and tunnels to containers and virtual machines: no phone is there.
_NOT_OUTSIDE = ("docker", "br-", "veth", "virbr", "vnet", "cni", "podman", "lxc")
# TEST-NET-1 (RFC 5737): nobody is there, and choosing the way to it sends nothing.
_FAR_AWAY = ("192.0.2.1", 9)


def lan_addresses(host: str) -> list[str]:
    """IPv4 addresses of this machine that other devices may reach it under, the likeliest first.

    Args:
        host: What is listened on; one address is the only one.
    """
    if host not in _EVERYWHERE:
        return [host]
    up = {name for name, state in psutil.net_if_stats().items() if state.isup and not name.startswith(_NOT_OUTSIDE)}
    found = [
        entry.address
        for name, entries in psutil.net_if_addrs().items()
        if name in up
        for entry in entries
        if entry.family is socket.AF_INET and not _stays_here(entry.address)
    ]
    first = _address_outwards()
    return sorted(dict.fromkeys(found), key=lambda address: address != first)


def lan_urls(settings: StackSettings) -> list[str]:
    """Addresses of the gateway for other devices; empty where it does not listen for them."""
    if not settings.lan_host:
        return []
    scheme = "https" if settings.lan_tls else "http"
    hosts = [f"[{host}]" if ":" in host else host for host in lan_addresses(settings.lan_host)]
    return [f"{scheme}://{host}:{settings.ports.lan}" for host in hosts]


def lan_environment(settings: StackSettings) -> dict[str, str]:
    """What the gateway has to know; empty where it listens on this machine only.

    Raises:
        DataUnusableError: A certificate was given without its key, or the other way around, or a file is not there.
    """
    if not settings.lan_host:
        return {}
    env = {"RECEIPTFLOW_LAN_HOST": settings.lan_host, "RECEIPTFLOW_LAN_PORT": str(settings.ports.lan)}
    if not settings.lan_tls:
        return env
    cert, key = _given(settings) or (_authority(settings).certificate, _authority(settings).key)
    env |= {"RECEIPTFLOW_TLS_CERT": str(cert), "RECEIPTFLOW_TLS_KEY": str(key)}
    if settings.tls_cert is None:
        env["RECEIPTFLOW_TLS_AUTHORITY"] = str(_authority(settings).authority)
    return env


def prepare_certificate(settings: StackSettings) -> None:
    """Before each start of the gateway: a certificate for the addresses that this machine has now."""
    if settings.lan_host and settings.lan_tls and settings.tls_cert is None:
        name = socket.gethostname().lower()
        _authority(settings).certify(lan_addresses(settings.lan_host), [name, f"{name.split('.')[0]}.local"])


def _authority(settings: StackSettings) -> LocalAuthority:
    return LocalAuthority(settings.root / "lan-tls")


def _given(settings: StackSettings) -> tuple[Path, Path] | None:
    files = (settings.tls_cert, settings.tls_key)
    if files == (None, None):
        return None
    for name, file in zip(("--tls-cert", "--tls-key"), files, strict=True):
        if file is None or not file.is_file():
            raise DataUnusableError(
                f"{name}: {file or 'it is missing'}; give the certificate and its key as PEM files."
            )
    return tuple(file.resolve() for file in files if file)  # type: ignore[return-value]  # both are there


def _stays_here(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return ip.is_loopback or ip.is_link_local


def _address_outwards() -> str:
    """The address that this machine would speak to far ones from."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_FAR_AWAY)
        except OSError:
            return ""
        return str(probe.getsockname()[0])
