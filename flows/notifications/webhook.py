"""Post one notification to an owner's webhook: signed, to a checked address, redirects not followed.

Signatures follow the Standard Webhooks specification (https://www.standardwebhooks.com): the headers `webhook-id`,
`webhook-timestamp` and `webhook-signature`, HMAC-SHA256 over `id.timestamp.body`. The host is resolved once, every
address is checked, and the connection goes to exactly the checked address, so that no second answer of a name
server can lead it elsewhere.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import json
import socket
import time
from typing import Any
from uuid import UUID

import httpx

from flows.domain.errors import ReceiptflowError, TransientError

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_TOTAL_SECONDS = 15.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052


class TargetRefusedError(ReceiptflowError):
    """The webhook's URL may not be called; another try ends the same way."""


class DeliveryFailedError(TransientError):
    """The receiver did not take the delivery; it is tried again later."""


async def require_allowed(url: str, *, allow_private: bool) -> tuple[httpx.URL, str]:
    """Check the URL of a server that somebody else names, as of a webhook, and resolve its host.

    Returns:
        The URL, and the address to connect to.

    Raises:
        TargetRefusedError: not https, with credentials in it, or the host has an address that is not public.
        DeliveryFailedError: the host's name cannot be resolved now.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise TargetRefusedError(f"{url!r} is no URL: {error}") from error
    if parsed.scheme not in ({"https", "http"} if allow_private else {"https"}) or not parsed.host:
        raise TargetRefusedError("The URL has to begin with https://.")
    if parsed.userinfo:
        raise TargetRefusedError("The URL must not hold credentials.")
    addresses = await _resolve(parsed)
    if not allow_private:
        for address in addresses:
            _require_public(parsed.host, address)
    return parsed, addresses[0]


async def _resolve(url: httpx.URL) -> list[str]:
    port = url.port or (443 if url.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DeliveryFailedError(f"{url.host} cannot be resolved: {error}") from error
    return [str(entry[4][0]) for entry in found]


def _require_public(host: str, text: str) -> None:
    address = ipaddress.ip_address(text.split("%", maxsplit=1)[0])
    inner = _inside(address)
    if any(not one.is_global or one.is_multicast for one in (address, inner) if one is not None):
        raise TargetRefusedError(f"{host} leads to {address}, which is not a public address.")


def _inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address only wraps, or None."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def signature(secret: str, delivery_id: UUID, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b"%s.%d." % (str(delivery_id).encode(), timestamp) + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


async def post(url: str, secret: str, delivery_id: UUID, payload: dict[str, Any], *, allow_private: bool) -> None:
    """Deliver once.

    Raises:
        TargetRefusedError: the URL may not be called, or the receiver says that it is gone (410).
        DeliveryFailedError: the receiver is away, slow, or answered anything but 2xx.
    """
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    try:
        async with asyncio.timeout(_TOTAL_SECONDS):
            target, address = await require_allowed(url, allow_private=allow_private)
            status = await _send(target, address, _headers(secret, delivery_id, body), body)
    except (httpx.HTTPError, TimeoutError, OSError) as error:
        raise DeliveryFailedError(f"{type(error).__name__}: {error}") from error
    if status == httpx.codes.GONE:
        raise TargetRefusedError("The receiver answered 410: it does not want any more deliveries.")
    if not httpx.codes.is_success(status):
        raise DeliveryFailedError(f"The receiver answered {status}.")


def _headers(secret: str, delivery_id: UUID, body: bytes) -> dict[str, str]:
    timestamp = int(time.time())
    return {
        "Content-Type": "application/json",
        "User-Agent": "receiptflow-webhook/1",
        "webhook-id": str(delivery_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, delivery_id, timestamp, body),
    }


async def _send(target: httpx.URL, address: str, headers: dict[str, str], body: bytes) -> int:
    """The answer's status; its body is not read, however long it may be."""
    # No proxy and no environment: either would resolve the name again. TLS still checks the host's own name.
    async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client:
        request = client.build_request(
            "POST",
            target.copy_with(host=address),
            headers={**headers, "Host": target.netloc.decode()},
            content=body,
            extensions={"sni_hostname": target.host},
        )
        answer = await client.send(request, stream=True)
        await answer.aclose()
        return answer.status_code
