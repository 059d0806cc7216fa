"""How quickly the gateway lists, searches and sums over very many expenses of one owner, and decides on receipts.

    python -m benchmarks.bench_web [--json FILE] [--expenses 200000] [--rounds 60]

Starts PostgreSQL and Prefect's server, to which decisions send their events, fills the ledger (`seed`), serves the
gateway on a real socket and asks it as a program does, one request at
a time. Times are the client's, in milliseconds: p50 and p95 over all requests of a kind, the first one of each left
out. The words that are searched are drawn as they occur on the receipts, so that common ones come often.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
import uvicorn
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from benchmarks.bench_web.review import review_times, seed_queue
from benchmarks.bench_web.seed import OWNER, seed, vocabulary
from benchmarks.machine import machine
from deployments.gateway.app import create_app
from deployments.settings import GatewaySettings
from deployments.stack import Stack
from deployments.stack.prefect_server import prefect_service
from deployments.stack.settings import StackSettings
from flows.ledger.access import Role, Scope, add_person, create_key, set_password
from flows.ledger.database import open_ledger
from flows.ledger.migrate import upgrade

Ask = Callable[[random.Random], dict[str, Any] | None]
_WORDS = vocabulary(random.Random(1))  # those that `seed` draws from
_RANKS = list(accumulate(1 / rank for rank in range(1, len(_WORDS) + 1)))


def main() -> None:
    """Seed, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--expenses", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=60, help="requests of each kind")
    parser.add_argument("--port", type=int, default=27_900)
    given = parser.parse_args()
    with seeded(given.port, given.expenses) as (url, key, prefect), temporary_settings(prefect):
        figures = asyncio.run(_measure(url, key, given.port + 50, given.rounds))
    figures = {"expenses": given.expenses, "machine": machine(), **figures}
    print(json.dumps(figures, indent=2))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


@contextmanager
def seeded(port: int, expenses: int) -> Iterator[tuple[str, str, dict[Any, str]]]:
    """The URL of a filled ledger, a key of its owner, and how Prefect's server is reached."""
    with tempfile.TemporaryDirectory(prefix="receiptflow-bench-") as folder:
        settings = StackSettings(data_dir=Path(folder, "data"), port=port)
        with Stack(settings, core=["postgres"]) as stack:
            url = stack.environment["RECEIPTFLOW_LEDGER_URL"]
            upgrade(url)
            seed(url.replace("+psycopg", ""), expenses)
            seed_queue(url.replace("+psycopg", ""))
            ledger = open_ledger(url)
            with ledger.session() as session:
                _, key = create_key(OWNER, "bench", [Scope.READ, Scope.REVIEW], session=session)
            stack.add(prefect_service(settings, stack.credentials))
            yield url, key, {one: stack.environment[one.name] for one in (PREFECT_API_URL, PREFECT_API_AUTH_STRING)}
            ledger.close()


async def _measure(url: str, key: str, port: int, rounds: int) -> dict[str, Any]:
    settings = GatewaySettings(
        ledger_url=SecretStr(url),
        gateway_url=f"http://127.0.0.1:{port}",
        # Storage is not asked for a list; the address answers nothing.
        s3_endpoint_url="http://127.0.0.1:9",
        s3_access_key="none",
        s3_secret_key=SecretStr("none"),
        request_rate="1000000/minute",
    )
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=port, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.05)
        if serving.done():
            serving.result()
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=settings.gateway_url, headers=headers, timeout=60) as client:
        figures: dict[str, Any] = {}
        for kind, (path, ask) in KINDS.items():
            figures[f"{kind}_ms"] = await _times(client, path, ask, rounds)
        figures |= await review_times(client, DECISIONS)
    figures["pages_ms"] = await _page_times(url, settings.gateway_url, rounds // 2)
    server.should_exit = True
    await serving
    return figures


def _list(rng: random.Random) -> dict[str, Any]:
    merchant = {"merchant": rng.choice(_WORDS[:3000])[:4]}
    return rng.choice([{}, {"date_from": "2024-01-01", "date_to": "2024-12-31"}, {"currency": "CHF"}, merchant])


def _search(rng: random.Random) -> dict[str, Any]:
    words = rng.choices(_WORDS, cum_weights=_RANKS, k=rng.choice((1, 1, 2)))
    return {"text": " ".join(word[: rng.choice((4, 20))] for word in words)}


def _sums(rng: random.Random) -> dict[str, Any]:
    by = {"by": rng.choice(["month", "year", "merchant", "currency"])}
    return by | rng.choice([{}, {"date_from": "2025-01-01"}])


# Each kind of question: the path, and what is asked for.
KINDS: dict[str, tuple[str, Ask]] = {
    "list": ("/expenses", _list),
    "search": ("/expenses", _search),
    "sums": ("/expenses/sums", _sums),
}


# What a person opens; each as the page itself, without its pictures.
PAGES = ("", "expenses", "expenses?text=bada", "receipts", "review", "review/next", "merchants?text=co&country=CH")
DECISIONS = 300  # of 60 the 95th percentile is the third slowest
_PASSWORD = "a password of this bench only"  # noqa: S105  # of a ledger that goes at the end


async def _page_times(ledger_url: str, gateway_url: str, rounds: int) -> dict[str, dict[str, float]]:
    ledger = open_ledger(ledger_url)
    with ledger.session() as session:
        person = add_person(OWNER, "bench", Role.ADMIN, session=session)
        set_password(person.id, _PASSWORD, session=session)
    ledger.close()
    async with httpx.AsyncClient(base_url=f"{gateway_url}/app/", timeout=60, follow_redirects=True) as browser:
        signed_in = await browser.post("sign-in", data={"name": "bench", "password": _PASSWORD})
        assert "sign-in" not in str(signed_in.url)
        return {path or "overview": await _times(browser, path, lambda _: None, rounds) for path in PAGES}


async def _times(client: httpx.AsyncClient, path: str, ask: Ask, rounds: int) -> dict[str, float]:
    rng, taken = random.Random(7), []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        answer = await client.get(path, params=ask(rng))
        taken.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, answer.text
    cuts = quantiles(taken[1:], n=20, method="inclusive")
    return {"p50": round(cuts[9], 1), "p95": round(cuts[18], 1)}


if __name__ == "__main__":
    main()
