"""How often one key may ask, and how often one address may ask without a valid one: sliding windows in this process's
memory.

The asynchronous storage, because the other one starts a thread at every hit and waits for it on the event loop.
"""

from __future__ import annotations

import ipaddress
import math
import time
from uuid import UUID

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from deployments.gateway.http.problems import RefusedError

# Wrong tries to sign in: at one name from one address, and at one name from anywhere.
_WRONG_SIGN_INS = (parse("8/10 minutes"), parse("60/hour"))
_STRANGER = "stranger"


class Rates:
    """Counts requests and uploads of each key or session, and what each address was refused for not being let in.

    Args:
        request_rate: All requests, as `limits` writes it: `3000/minute`.
        upload_rate: Files that are posted or given a presigned address.
        refusal_rate: Attempts of one address without a valid key, password or secret.
        region_rate: Pieces of pictures that are read again, each of which costs a worker's time.
    """

    def __init__(self, request_rate: str, upload_rate: str, refusal_rate: str, region_rate: str) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._requests, self._uploads, self._refusals = parse(request_rate), parse(upload_rate), parse(refusal_rate)
        self._regions = parse(region_rate)

    async def count_request(self, key_id: UUID) -> None:
        """Count one request; refuses it with 429 if there were too many."""
        await self._count(self._requests, "request", key_id, 1)

    async def count_uploads(self, key_id: UUID, files: int) -> None:
        """Count files; refuses them with 429 if there were too many."""
        await self._count(self._uploads, "upload", key_id, files)

    async def count_region(self, key_id: UUID) -> None:
        """Count one piece of a picture; refuses it with 429 if there were too many."""
        await self._count(self._regions, "region", key_id, 1)

    async def check_stranger(self, address: str) -> None:
        """Refuse with 429 an address that was refused too often. Ask before a secret costs anything to check."""
        network = _network_of(address)
        if not await self._limiter.test(self._refusals, _STRANGER, network):
            raise await self._too_many(self._refusals, _STRANGER, network, "An address without a valid key")

    async def count_refusal(self, address: str) -> None:
        """Count an attempt that was refused for a missing or wrong secret."""
        await self._limiter.hit(self._refusals, _STRANGER, _network_of(address))

    async def check_sign_in(self, name: str, address: str) -> None:
        """Refuse with 429 whoever has failed to sign in too often, as this person or from this address."""
        await self.check_stranger(address)
        for rate, kind, who in _tries(name, address):
            if not await self._limiter.test(rate, kind, who):
                raise await self._too_many(rate, kind, who, "Wrong tries to sign in")

    async def count_failed_sign_in(self, name: str, address: str) -> None:
        """Count one wrong try."""
        await self.count_refusal(address)
        for rate, kind, who in _tries(name, address):
            await self._limiter.hit(rate, kind, who)

    async def _count(self, rate: RateLimitItem, kind: str, key_id: UUID, cost: int) -> None:
        if not await self._limiter.hit(rate, kind, str(key_id), cost=cost):
            raise await self._too_many(rate, kind, str(key_id), "This key")

    async def _too_many(self, rate: RateLimitItem, kind: str, name: str, who: str) -> RefusedError:
        reset = (await self._limiter.get_window_stats(rate, kind, name)).reset_time
        wait = max(1, math.ceil(reset - time.time()))
        return RefusedError(429, f"{who} may make {rate}; wait {wait} s.", {"Retry-After": str(wait)})


def _network_of(address: str) -> str:
    """What one stranger commands: an IPv4 address, or the /64 of an IPv6 address; an unknown address is one for all."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def _tries(name: str, address: str) -> list[tuple[RateLimitItem, str, str]]:
    here, anywhere = _WRONG_SIGN_INS
    if not name:  # by a link: nothing that could be guessed, and no person to lock out
        return []
    return [(here, "sign-in here", f"{_network_of(address)} {name}"), (anywhere, "sign-in", name)]
