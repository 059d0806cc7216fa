"""Other devices of the network: what they reach, encrypted by which certificate, and that strangers there get nothing.

The other device is this machine under its address in the network.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import psutil
import pytest
from browser_helpers import WORKER_READY, Visit, a_picture, browser, needs_chromium
from export_programs import DEBIAN_PROGRAMS
from gateway_helpers import JPEG, Gateway, free_port
from ledger_helpers import count
from page_helpers import PASSWORD
from pydantic import SecretStr
from typer.testing import CliRunner

from deployments.cli.app import app as command_line
from deployments.cli.lan import print_lan
from deployments.gateway.serve import make_server
from deployments.settings import GatewaySettings
from deployments.stack.credentials import Credentials
from deployments.stack.environment import stack_environment
from deployments.stack.errors import DataUnusableError
from deployments.stack.lan import lan_addresses, lan_environment, lan_urls, prepare_certificate
from deployments.stack.local_authority import LocalAuthority
from deployments.stack.settings import StackSettings
from flows.domain.errors import ConfigurationError
from flows.ledger.access import Role, add_person, set_password

pytest_plugins = ["gateway_helpers"]
Start = Callable[..., AbstractAsyncContextManager[Gateway]]
OTHER = next(iter(lan_addresses("0.0.0.0")), "")  # noqa: S104
_MOST_BYTES = 200_000
needs_certutil = pytest.mark.skipif(
    not shutil.which("certutil") and not os.environ.get(DEBIAN_PROGRAMS),
    reason="no certutil here: apt install libnss3-tools",
)
needs_a_network = pytest.mark.skipif(not OTHER, reason="this machine has no address but its own")


@pytest.fixture
async def lan(start_gateway: Start, tmp_path: Path) -> AsyncIterator[tuple[Gateway, httpx.AsyncClient]]:
    """A gateway that listens for other devices too, and a client there that trusts its authority."""
    made, port = LocalAuthority(tmp_path / "tls"), free_port()
    made.certify([OTHER], ["house.local"])
    url = f"https://{OTHER}:{port}"
    files: dict[str, Any] = {"tls_cert": made.certificate, "tls_key": made.key, "tls_authority": made.authority}
    files["events_token"] = SecretStr("qN7vR2xK9mT4bW8zL3cY6dF1")  # no placeholder is let out of the machine
    async with start_gateway(
        lan_host=OTHER,
        lan_port=port,
        public_url=url,
        prefect_ui_url="http://127.0.0.1:4200",
        max_upload_bytes=_MOST_BYTES,
        **files,
    ) as gateway:
        trust = ssl.create_default_context(cafile=str(made.authority))
        async with httpx.AsyncClient(base_url=url, verify=trust, timeout=60) as device:
            yield gateway, device


@needs_a_network
async def test_another_device_signs_in_and_hands_in(lan: tuple[Gateway, httpx.AsyncClient]) -> None:
    gateway, device = lan
    with gateway.ledger.session() as session:
        set_password(add_person("anna", "Ada", Role.ADMIN, session=session).id, PASSWORD, session=session)
    signed_in = await device.post("/app/sign-in", data={"name": "ada", "password": PASSWORD})
    assert "Secure" in signed_in.headers["set-cookie"]
    known = (await device.get("/app/hand-in/session", headers={"Accept": "application/json"})).json()
    headers = {"X-CSRF-Token": known["token"], "Accept": "application/json"}
    answer = await device.post("/app/hand-in", files={"file": ("a.jpg", JPEG, "image/jpeg")}, headers=headers)
    assert answer.status_code == 202
    assert f"https://{OTHER}" in (await device.get("/app/phone")).text
    # Prefect's own pages are on this machine only, so no link leads a phone there.
    assert "Prefect's own pages" not in unescape((await device.get("/app/notifications")).text)
    authority = await device.get("/app/certificate")
    assert authority.content.startswith(b"-----BEGIN CERTIFICATE")
    assert b"PRIVATE" not in authority.content
    # The gateway's own address stays as it is, and its pages give other devices an address that they reach.
    assert (await gateway.nobody.get("/health")).status_code == 200


@needs_a_network
async def test_strangers_there_get_nothing(lan: tuple[Gateway, httpx.AsyncClient]) -> None:
    gateway, device = lan
    assert (await device.get("/app/")).headers["location"].startswith("/app/sign-in")
    for method, path in (("GET", "/receipts"), ("POST", "/receipts"), ("GET", "/metrics"), ("GET", "/expenses")):
        assert (await device.request(method, path)).status_code == 401, path
    assert (await device.post("/events/seaweedfs", json={})).status_code == 401
    # Only this address was opened: Prefect, S3 and the gateway's own listen where they did.
    listening = {one.laddr.ip for one in psutil.Process().net_connections("inet") if one.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1", OTHER}
    with pytest.raises(httpx.ConnectError):
        await device.get(gateway.url.replace("127.0.0.1", OTHER))


async def test_a_device_without_trust_or_in_clear_gets_nothing(
    lan: tuple[Gateway, httpx.AsyncClient],
) -> None:
    _, device = lan
    async with httpx.AsyncClient() as stranger:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await stranger.get(f"{device.base_url}/health")
        with pytest.raises(httpx.TransportError):
            await stranger.get(f"{device.base_url}/health".replace("https", "http"))


@needs_a_network
@needs_chromium
@needs_certutil
async def test_a_browser_there_warns_until_the_authority_is_trusted_and_then_keeps_the_app(
    lan: tuple[Gateway, httpx.AsyncClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, device = lan
    (tmp_path / "ca.pem").write_bytes((await device.get("/app/certificate")).content)
    (tmp_path / "lunch.jpg").write_bytes(a_picture())
    monkeypatch.setenv("HOME", str(tmp_path))  # where Chromium looks for authorities that its user trusts

    @contextmanager
    def visited() -> Iterator[Visit]:
        driver = browser()
        yield Visit(driver, cast("Gateway", SimpleNamespace(url=str(device.base_url), ledger=gateway.ledger)))
        driver.quit()

    def untrusted() -> None:
        with visited() as visit:
            visit.go("sign-in")
            assert "ERR_CERT_AUTHORITY_INVALID" in visit.driver.page_source

    def trusted() -> None:
        store = tmp_path / ".pki" / "nssdb"
        store.mkdir(parents=True)
        for words in (["-N", "--empty-password"], ["-A", "-n", "house", "-t", "C,,", "-i", str(tmp_path / "ca.pem")]):
            subprocess.run(["certutil", "-d", f"sql:{store}", *words], check=True, capture_output=True)
        with visited() as visit:
            visit.sign_in()
            visit.go("hand-in")
            assert visit.driver.execute_script("return window.isSecureContext")  # camera, installing, sharing
            visit.driver.execute_async_script(WORKER_READY)
            visit.one("input[multiple][data-picks]").send_keys(str(tmp_path / "lunch.jpg"))
            visit.until(lambda: "lunch.jpg" in visit.one("#latest").text)

    await asyncio.to_thread(untrusted)
    await asyncio.to_thread(trusted)
    assert count(gateway.ledger, "receipts") == 1


@needs_a_network
async def test_a_presigned_upload_from_there_goes_through_the_gateway(lan: tuple[Gateway, httpx.AsyncClient]) -> None:
    gateway, device = lan
    key = {"Authorization": gateway.anna.headers["Authorization"]}
    ticket = (await device.post("/uploads", json={"media_type": "image/jpeg"}, headers=key)).json()
    assert ticket["url"].startswith(str(device.base_url))
    files: Any = {"file": ("x.jpg", JPEG, "image/jpeg")}
    forged = await device.post(ticket["url"], data=ticket["fields"] | {"key": "bert/x.jpg"}, files=files)
    assert forged.status_code == 403  # S3 holds the policy
    elsewhere = ticket["url"].replace(ticket["upload_id"], "0b51c3a0-0000-4000-8000-000000000000")
    assert (await device.post(elsewhere, data=ticket["fields"], files=files)).status_code == 404
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await device.post(ticket["url"], content=b"x" * (_MOST_BYTES + 20_001), headers=form)).status_code == 413
    assert (await device.post(ticket["url"], data=ticket["fields"], files=files)).status_code == 204
    status = (await device.get(f"{ticket['status_url']}?wait=20", headers=key)).json()
    assert status["received"] is True
    assert count(gateway.ledger, "receipts") == 1
    assert (await device.post(ticket["url"], data=ticket["fields"], files=files)).status_code == 404  # it has come


def test_the_certificate_is_renewed_and_the_authority_stays(tmp_path: Path) -> None:
    made = LocalAuthority(tmp_path / "tls")
    made.certify(["192.168.1.5"], ["house.local"])
    before = (made.authority.read_bytes(), made.certificate.read_bytes())
    made.certify(["192.168.1.77"], ["house.local"])
    assert made.authority.read_bytes() == before[0]
    assert made.certificate.read_bytes() != before[1]
    assert {file.stat().st_mode & 0o777 for file in made.folder.iterdir()} == {0o600}
    kept = (made.folder / "authority-key.pem").read_text()
    (made.folder / "authority-key.pem").write_text(kept[:100])
    with pytest.raises(DataUnusableError, match="delete that folder"):
        made.certify(["192.168.1.5"], ["house.local"])
    (made.folder / "authority-key.pem").write_text(kept)
    made.certify(["203.0.113.9"], ["house.local"])  # may not speak for it: a new authority, which devices trust anew
    assert made.authority.read_bytes() != before[0]


def test_an_authority_vouches_for_no_site_of_the_internet(tmp_path: Path) -> None:
    made = LocalAuthority(tmp_path / "tls")
    made.certify(["192.168.1.5"], ["house.local"])
    trust = ssl.create_default_context(cafile=str(made.authority))
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(made.certificate, made.key)
    assert _shakes_hands(trust, served, "house.local") == "ok"
    assert "mismatch" in _shakes_hands(trust, served, "www.example.org")


def _shakes_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> str:
    """What a client says that looks for a server of this name."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname=name)
    other = server.wrap_bio(to_server, to_client, server_side=True)
    try:
        for _ in range(4):
            for side in (one, other):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    continue
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    return "ok"


def test_what_up_says_and_gives_the_gateway(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = StackSettings(data_dir=tmp_path, port=5460, lan_host="192.168.1.5")
    assert lan_urls(settings) == ["https://192.168.1.5:5472"]
    assert stack_environment(settings, Credentials())["RECEIPTFLOW_PUBLIC_URL"] == "https://192.168.1.5:5472"
    prepare_certificate(settings)
    given = lan_environment(settings)
    assert all(Path(given[name]).is_file() for name in given if "TLS" in name)
    print_lan(settings)
    assert "https://192.168.1.5:5472/" in capsys.readouterr().out
    print_lan(settings.model_copy(update={"lan_tls": False}))
    assert "Without TLS" in capsys.readouterr().out
    print_lan(StackSettings(data_dir=tmp_path))
    assert capsys.readouterr().out == ""
    assert lan_environment(StackSettings(data_dir=tmp_path)) == {}


def test_addresses_are_those_of_this_machine_that_others_reach() -> None:
    found = lan_addresses("0.0.0.0")  # noqa: S104
    mine = {entry.address for entries in psutil.net_if_addrs().values() for entry in entries}
    assert set(found) <= mine
    assert not [address for address in found if address.startswith("127.")]
    assert lan_addresses("192.168.7.7") == ["192.168.7.7"]


def test_half_a_certificate_or_a_taken_port_is_said(tmp_path: Path) -> None:
    lonely = StackSettings(data_dir=tmp_path, lan_host="192.168.1.5", tls_cert=tmp_path / "cert.pem")
    with pytest.raises(DataUnusableError, match=r"--tls-cert: .*cert\.pem"):
        lan_environment(lonely)
    (tmp_path / "cert.pem").write_text("no certificate")
    settings: dict[str, Any] = {
        "ledger_url": "postgresql://u@h/ledger",
        "lan_host": "127.0.0.1",
        "lan_port": free_port(),
    }
    wrong = {"tls_cert": tmp_path / "cert.pem", "tls_key": tmp_path / "cert.pem"}
    with pytest.raises(ConfigurationError, match="cannot be used"):
        make_server(httpx.ASGITransport, GatewaySettings(**settings, **wrong))  # type: ignore[arg-type]  # never called
    with (
        socket.create_server(("127.0.0.1", settings["lan_port"])),
        pytest.raises(ConfigurationError, match="Cannot listen"),
    ):
        make_server(httpx.ASGITransport, GatewaySettings(**settings))  # type: ignore[arg-type]  # never called


def test_up_names_its_options() -> None:
    said = CliRunner().invoke(command_line, ["up", "--help"], env={"COLUMNS": "200"}).output
    for option in ("--lan", "--host", "--no-tls", "--tls-cert", "--tls-key"):
        assert option in said
