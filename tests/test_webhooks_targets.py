"""A webhook cannot lead inside: each address of its host is checked, and the checked one is connected to."""

from __future__ import annotations

import asyncio
import socket
from typing import Any
from uuid import uuid4

import pytest

from flows.notifications.webhook import DeliveryFailedError, TargetRefusedError, post, require_allowed

PRIVATE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0.0.0.0",  # noqa: S104  # an address to refuse
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fd00::1]",
    "[ff02::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "localhost",
    "LOCALHOST.",
]


@pytest.mark.parametrize("host", PRIVATE)
async def test_private_addresses_are_refused_however_they_are_written(host: str) -> None:
    with pytest.raises((TargetRefusedError, DeliveryFailedError)):
        await require_allowed(f"https://{host}/hook", allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/",
        "https://user:pass@8.8.8.8/",
        "ftp://8.8.8.8/",
        "https:///x",
        "//8.8.8.8",
        "no url",
        "https://[::1",
    ],
)
async def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(TargetRefusedError):
        await require_allowed(url, allow_private=False)


async def test_public_addresses_are_allowed() -> None:
    for url in ("https://8.8.8.8/", "https://[2001:4860:4860::8888]:8443/x"):
        _, address = await require_allowed(url, allow_private=False)
        assert address in url


async def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    _answer(monkeypatch, [["8.8.8.8", "10.0.0.1"]])
    with pytest.raises(TargetRefusedError, match=r"10\.0\.0\.1"):
        await require_allowed("https://accounting.example/", allow_private=False)


async def test_the_name_is_asked_once_and_the_checked_address_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that answers publicly first and privately afterwards gets no second question."""
    connected: list[Any] = []
    questions = _answer(monkeypatch, [["192.0.2.1"], ["127.0.0.1"]])

    async def connect(self: Any, factory: Any, host: str, port: int, **options: Any) -> Any:
        connected.append(host)
        raise OSError("not in a test")

    monkeypatch.setattr(asyncio.get_running_loop().__class__, "create_connection", connect)
    with pytest.raises(DeliveryFailedError):
        await post("https://accounting.example/", "whsec_AAAA", uuid4(), {}, allow_private=True)
    assert questions == ["accounting.example"]
    assert connected == ["192.0.2.1"]


def _answer(monkeypatch: pytest.MonkeyPatch, answers: list[list[str]]) -> list[str]:
    questions: list[str] = []

    async def getaddrinfo(self: Any, host: str, port: int, **_: Any) -> list[Any]:
        questions.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in answers[len(questions) - 1]]

    monkeypatch.setattr(asyncio.get_running_loop().__class__, "getaddrinfo", getaddrinfo)
    return questions
