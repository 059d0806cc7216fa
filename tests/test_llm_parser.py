"""The language model option, against a real HTTP server that misbehaves: retries that help, checked answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from llm_server import GOOD, Misbehaving, misbehaving_server
from receipt_words import TODAY, document, page_of

from flows.domain.errors import ConfigurationError, TransientError
from flows.pipeline.llm_parser import LlmEndpoint, parse_with_llm

TEXT = """
GREEN BAKERY GmbH
Südring 7, 33647 Bielefeld
05.03.2020 10:15
BROT            2,50 A
SUMME EUR       2,50
BAR             5,00
Rückgeld        2,50
"""


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    with misbehaving_server() as running:
        yield running


def ask(
    server: Misbehaving, *script: tuple[int, dict[str, str], Any], max_retries: int = 2, timeout_seconds: float = 10.0
) -> Any:
    server.script = list(script)
    endpoint = LlmEndpoint(f"http://127.0.0.1:{server.server_port}/v1", "key", "m", timeout_seconds, max_retries)
    return parse_with_llm(document(page_of(TEXT)), endpoint, today=TODAY)


def test_agreement_is_accepted_and_asked_under_a_schema(server: Misbehaving) -> None:
    parsed = ask(server, (200, {}, GOOD))
    assert parsed.fields.decision == "accept" and parsed.problem == ""
    assert server.requests[0]["response_format"]["type"] == "json_schema"
    assert "BROT" in server.requests[0]["messages"][1]["content"]


def test_busy_servers_are_asked_again_when_they_say(server: Misbehaving) -> None:
    parsed = ask(server, (429, {"Retry-After": "1"}, "busy"), (503, {"Retry-After": "1"}, "down"), (200, {}, GOOD))
    assert parsed.fields.decision == "accept"
    assert len(server.requests) == 3
    assert all(later - earlier >= 0.9 for earlier, later in zip(server.arrivals, server.arrivals[1:], strict=False))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_servers_that_stay_away_are_transient(server: Misbehaving, status: int) -> None:
    with pytest.raises(TransientError, match=str(status)):
        ask(server, *[(status, {"Retry-After": "0.01"}, "no")] * 2, max_retries=1)
    assert len(server.requests) == 2


def test_slow_servers_are_transient(server: Misbehaving) -> None:
    with pytest.raises(TransientError, match="did not answer"):
        ask(server, (0, {}, 1.0), max_retries=0, timeout_seconds=0.2)


@pytest.mark.parametrize("status", [400, 401, 404])
def test_refusals_are_not_repeated(server: Misbehaving, status: int) -> None:
    with pytest.raises(ConfigurationError, match=str(status)):
        ask(server, (status, {}, "no"))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    ["I think it is 2.50", '{"total": ', {"total": "2.50"}, {**GOOD, "total": "two"}, {**GOOD, "mood": "fine"}],
)
def test_unusable_answers_fail_once_are_kept_and_fall_back(server: Misbehaving, answer: Any) -> None:
    parsed = ask(server, (200, {}, answer))
    assert len(server.requests) == 1
    assert parsed.answer == (answer if isinstance(answer, str) else json.dumps(answer))
    assert parsed.fields.total is not None and parsed.fields.total.value == Decimal("2.50")
    assert parsed.fields.decision == "review" and parsed.problem in parsed.fields.reasons


def test_an_invented_total_does_not_get_through(server: Misbehaving) -> None:
    fields = ask(server, (200, {}, {**GOOD, "total": "99.99"})).fields
    assert fields.total is not None and fields.total.value == Decimal("2.50")
    assert fields.reasons == ("total: the language model says 99.99, which is not printed; 2.50 was read",)
    assert Decimal("99.99") not in [found.value for found in fields.candidates["total"]]


def test_an_invented_merchant_does_not_get_through(server: Misbehaving) -> None:
    fields = ask(server, (200, {}, {**GOOD, "merchant": "Red Butcher Ltd"})).fields
    assert fields.merchant is not None and fields.merchant.value == "GREEN BAKERY GmbH"
