"""How often one key may ask: a sliding window per key, in this process's memory.

The asynchronous storage, because the other one starts a thread at every hit and waits for it on the event loop.
"""

from __future__ import annotations

import math
import time
from uuid import UUID

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from deployments.gateway.http.problems import RefusedError


class Rates:
    """Counts requests and uploads of each key.

    Args:
        request_rate: All requests, as `limits` writes it: `3000/minute`.
        upload_rate: Files that are posted or given a presigned address.
    """

    def __init__(self, request_rate: str, upload_rate: str) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._requests, self._uploads = parse(request_rate), parse(upload_rate)

    async def count_request(self, key_id: UUID) -> None:
        """Count one request; refuses it with 429 if there were too many."""
        await self._count(self._requests, "request", key_id, 1)

    async def count_uploads(self, key_id: UUID, files: int) -> None:
        """Count files; refuses them with 429 if there were too many."""
        await self._count(self._uploads, "upload", key_id, files)

    async def _count(self, rate: RateLimitItem, kind: str, key_id: UUID, cost: int) -> None:
        if not await self._limiter.hit(rate, kind, str(key_id), cost=cost):
            reset = (await self._limiter.get_window_stats(rate, kind, str(key_id))).reset_time
            wait = max(1, math.ceil(reset - time.time()))
            raise RefusedError(429, f"This key may make {rate}; wait {wait} s.", {"Retry-After": str(wait)})
