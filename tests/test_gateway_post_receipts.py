"""POST /receipts: stored, registered once and answered at once, whatever is away, repeated or malformed."""

from __future__ import annotations

import asyncio
import hashlib
import io
import random
import re
import zipfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import httpx
import pytest
from gateway_helpers import JPEG, Gateway, early_in_window, free_port
from ledger_helpers import begun, count
from pydantic import SecretStr

from deployments.gateway.services.intake import Intake
from flows.ledger.errors import LedgerUnavailableError
from flows.ledger.receipts import claim_content, record_quarantine

pytest_plugins = ["gateway_helpers"]
Start = Callable[..., AbstractAsyncContextManager[Gateway]]


async def test_a_raw_body_is_stored_and_registered_and_needs_no_prefect(gateway: Gateway, s3_client: Any) -> None:
    answer = await gateway.anna.post("/receipts?name=lunch.jpg", content=JPEG, headers={"Content-Type": "image/jpeg"})
    assert answer.status_code == 202
    body = answer.json()
    assert body == {
        "receipt_id": body["receipt_id"],
        "flow_run_id": None,
        "state": "waiting",
        "status_url": f"/receipts/{body['receipt_id']}",
        "duplicate": False,
    }
    assert answer.headers["location"] == body["status_url"]
    receipt = (await gateway.anna.get(body["status_url"])).json()
    assert re.fullmatch(r"anna/\d{4}-\d\d/[0-9a-f]{24}-lunch\.jpg", receipt["key"])
    stored = s3_client.get_object(Bucket="inbox", Key=receipt["key"])
    assert (stored["Body"].read(), stored["ContentType"]) == (JPEG, "image/jpeg")


async def test_many_files_of_a_form_are_as_many_receipts(gateway: Gateway) -> None:
    files = [("file", (f"{n}.jpg", JPEG + bytes([n]), "image/jpeg")) for n in range(3)]
    answer = await gateway.anna.post("/receipts", files=files)
    assert answer.status_code == 202
    assert len({one["receipt_id"] for one in answer.json()["receipts"]}) == 3
    assert count(gateway.ledger, "receipts") == 3


def _packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


async def test_an_archive_is_as_many_receipts_as_pictures_are_in_it(gateway: Gateway, s3_client: Any) -> None:
    large = JPEG + random.Random(1).randbytes(3_000_000)  # one that does not stay in memory
    month = _packed({"a/1.jpg": JPEG, "2.jpg": large, "__MACOSX/._2.jpg": b"junk", "list.csv": b"no\x00receipt"})
    files = [("file", ("month.zip", month)), ("file", ("3.jpg", JPEG + b"3", "image/jpeg"))]
    answer = await gateway.anna.post("/receipts", files=files, headers={"Idempotency-Key": "month"})
    assert answer.status_code == 202
    ids = [one["receipt_id"] for one in answer.json()["receipts"]]
    assert len(set(ids)) == 3
    keys = [(await gateway.anna.get(f"/receipts/{one}")).json()["key"] for one in ids]
    assert [key.rsplit("-", 1)[1] for key in keys] == ["1.jpg", "2.jpg", "3.jpg"]
    assert s3_client.get_object(Bucket="inbox", Key=keys[1])["Body"].read() == large
    for headers in ({"Idempotency-Key": "month"}, {}):
        again = await gateway.anna.post("/receipts", files=files, headers=headers)
        assert [one["receipt_id"] for one in again.json()["receipts"]] == ids
    assert count(gateway.ledger, "receipts") == 3


@pytest.mark.parametrize(
    ("files", "lacking_bytes", "why"),
    [
        ({"word/document.xml": b"\x00<x/>"}, 0, "holds no pictures"),
        ({"1.jpg": JPEG}, 30, "no sound ZIP"),
        ({"bomb.jpg": JPEG + bytes(30_000_000)}, 0, "larger than allowed"),
        ({f"{n}.jpg": JPEG for n in range(201)}, 0, "holds 201 files"),
    ],
)
async def test_an_archive_that_cannot_be_taken_is_refused_whole(
    gateway: Gateway, files: dict[str, bytes], lacking_bytes: int, why: str
) -> None:
    packed = _packed(files)
    archive = packed[: len(packed) - lacking_bytes]
    answer = await gateway.anna.post("/receipts?name=x.zip", content=archive)
    assert answer.status_code == 422
    assert why in answer.json()["detail"]
    assert count(gateway.ledger, "receipts") == 0


async def test_the_same_content_again_is_the_receipt_that_exists(gateway: Gateway) -> None:
    first = await gateway.accepted()
    again = await gateway.anna.post("/receipts?name=other.jpg", content=JPEG)
    assert again.status_code == 200
    assert (again.json()["receipt_id"], again.json()["duplicate"]) == (first["receipt_id"], True)
    assert (await gateway.accepted(client=gateway.bert))["duplicate"] is False
    assert count(gateway.ledger, "receipts") == 2


@pytest.mark.parametrize("is_claimed", [False, True])
async def test_content_whose_object_vanished_is_stored_again(
    gateway: Gateway, s3_client: Any, is_claimed: bool
) -> None:
    first = await gateway.accepted()
    attempt = begun(gateway.ledger, UUID(first["receipt_id"]))
    with gateway.ledger.session() as session:
        if is_claimed:
            claim_content(attempt, hashlib.sha256(JPEG).hexdigest(), session=session)
        record_quarantine(attempt, "no longer in the bucket", code="ObjectGone", session=session)
    again = await gateway.accepted()
    assert (again["duplicate"], again["receipt_id"] != first["receipt_id"]) == (False, True)
    key = (await gateway.anna.get(again["status_url"])).json()["key"]
    assert s3_client.get_object(Bucket="inbox", Key=key)["Body"].read() == JPEG


async def test_a_repeated_idempotency_key_gets_the_first_answer(gateway: Gateway) -> None:
    first = await gateway.accepted(**{"Idempotency-Key": "one"})
    assert await gateway.accepted(**{"Idempotency-Key": "one"}) == first
    other = await gateway.anna.post("/receipts", content=JPEG + b"x", headers={"Idempotency-Key": "one"})
    assert other.status_code == 422
    assert (await gateway.accepted(JPEG + b"x", gateway.bert, **{"Idempotency-Key": "one"}))["duplicate"] is False
    assert count(gateway.ledger, "receipts") == 2


async def test_one_idempotency_key_in_a_race_is_one_receipt_and_one_object(gateway: Gateway, s3_client: Any) -> None:
    answers = await asyncio.gather(*(gateway.accepted(**{"Idempotency-Key": "race"}) for _ in range(12)))
    assert len({one["receipt_id"] for one in answers}) == 1
    assert count(gateway.ledger, "receipts") == 1
    key = (await gateway.anna.get(answers[0]["status_url"])).json()["key"]
    assert len(s3_client.list_object_versions(Bucket="inbox", Prefix=key)["Versions"]) == 1


async def test_a_request_that_was_cut_off_after_storing_is_finished_by_its_repeat(
    gateway: Gateway, s3_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Intake, "_register", _fail)
        assert (await gateway.anna.post("/receipts", content=JPEG, headers={"Idempotency-Key": "k"})).status_code == 503
    again = await gateway.accepted(**{"Idempotency-Key": "k"})
    assert again["duplicate"] is False
    key = (await gateway.anna.get(again["status_url"])).json()["key"]
    assert len(s3_client.list_object_versions(Bucket="inbox", Prefix=key)["Versions"]) == 1


def _fail(*_: Any) -> None:
    raise LedgerUnavailableError("the connection broke")


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..",
        "",
        "a/b\\c.jpg",
        "x" * 3000,
        "\u202eгpj.ехе",
        "nul\x00l",
        "line\r\nSet-Cookie: a=b",
        "%2e%2e%2f",
        "💶.jpg",
    ],
)
async def test_a_name_cannot_lead_out_of_its_folder(gateway: Gateway, name: str) -> None:
    answer = await gateway.anna.post("/receipts", params={"name": name}, content=JPEG + name.encode())
    assert answer.status_code == 202
    key = (await gateway.anna.get(answer.json()["status_url"])).json()["key"]
    assert re.fullmatch(r"anna/\d{4}-\d\d/[0-9a-f]{24}-[^/]{1,250}", key)
    assert key.isprintable()
    image = await gateway.anna.get(f"{answer.json()['status_url']}/image")
    assert image.content == JPEG + name.encode()
    assert "set-cookie" not in image.headers


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {"Content-Type": "image/jpeg"}, 422),
        (b"--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"}, 422),
        (b"nothing of the kind", {"Content-Type": "multipart/form-data; boundary=x"}, 400),
        (b"nothing", {"Content-Type": "multipart/form-data"}, 400),
        (
            b"--x\r\n" + b"h: " + b"a" * 20_000 + b"\r\n\r\nb\r\n--x--",
            {"Content-Type": "multipart/form-data; boundary=x"},
            400,
        ),
        (
            b"--x\r\nContent-Disposition: form-data\r\n\r\nb\r\n--x--",
            {"Content-Type": "multipart/form-data; boundary=x"},
            400,
        ),
        (JPEG, {"Idempotency-Key": "é".encode()}, 422),
        (JPEG, {"Idempotency-Key": "x" * 201}, 422),
    ],
)
async def test_malformed_requests_are_refused_and_leave_nothing(
    gateway: Gateway, body: bytes, headers: dict[str, Any], status: int
) -> None:
    answer = await gateway.anna.post("/receipts", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert count(gateway.ledger, "receipts") == count(gateway.ledger, "uploads") == 0


async def test_limits_of_size_and_number_hold_for_every_kind_of_body(start_gateway: Start) -> None:
    async with start_gateway(max_upload_bytes=50_000, max_files=2) as gateway:
        large = JPEG * 6

        async def pieces() -> Any:
            for start in range(0, len(large), 1000):
                yield large[start : start + 1000]

        assert (await gateway.anna.post("/receipts", content=large)).status_code == 413
        assert (await gateway.anna.post("/receipts", content=pieces())).status_code == 413
        assert (await gateway.anna.post("/receipts", files={"file": large})).status_code == 413
        three = [("file", (f"{n}", JPEG)) for n in range(3)]
        assert (await gateway.anna.post("/receipts", files=three)).status_code == 400
        assert count(gateway.ledger, "receipts") == 0


async def test_a_slow_sender_is_refused_and_stops_nobody(start_gateway: Start) -> None:
    async def slow() -> Any:
        yield JPEG[:100]
        await asyncio.sleep(4)

    async with start_gateway(body_idle_seconds=0.3) as gateway:
        late, prompt = await asyncio.gather(gateway.anna.post("/receipts", content=slow()), gateway.accepted())
        assert late.status_code == 408
        assert prompt["state"] == "waiting"


async def test_a_sender_that_goes_away_leaves_nothing(gateway: Gateway) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.settings.port)
    key = gateway.anna.headers["Authorization"]
    head = f"POST /receipts HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\nContent-Length: 1000000\r\n\r\n"
    writer.write(head.encode() + JPEG)
    await writer.drain()
    writer.close()
    assert reader.at_eof() in {True, False}
    await gateway.accepted(JPEG + b"1")
    assert count(gateway.ledger, "receipts") == 1


async def test_storage_or_ledger_away_is_503_and_nothing_is_promised(start_gateway: Start) -> None:
    async with start_gateway(s3_endpoint_url=f"http://127.0.0.1:{free_port()}") as gateway:
        answer = await gateway.anna.post("/receipts", content=JPEG)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert count(gateway.ledger, "receipts") == 0
        assert (await gateway.nobody.get("/ready")).json()["storage"] is False
    async with start_gateway(ledger_url=SecretStr(f"postgresql://127.0.0.1:{free_port()}/none")) as gateway:
        assert (await gateway.anna.post("/receipts", content=JPEG)).status_code == 503
        assert (await gateway.nobody.get("/ready")).status_code == 503
        assert (await gateway.nobody.get("/health")).status_code == 200


async def test_too_many_requests_of_one_key_are_429(start_gateway: Start) -> None:
    async with start_gateway(request_rate="5/minute", upload_rate="2/minute") as gateway:
        await early_in_window(60)
        statuses = [(await gateway.anna.post("/receipts", content=JPEG + bytes([n]))).status_code for n in range(3)]
        assert statuses == [202, 202, 429]
        answers: list[httpx.Response] = [await gateway.anna.get("/receipts") for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert (await gateway.bert.get("/receipts")).status_code == 200


async def test_a_file_of_an_operating_system_is_refused_with_the_reason_and_counted(gateway: Gateway) -> None:
    refused = [
        await gateway.anna.post("/receipts?name=.DS_Store", content=JPEG),
        await gateway.anna.post("/receipts", files=[("file", ("Trip/~$lunch.pdf", JPEG, "application/pdf"))]),
        await gateway.anna.post("/uploads", json={"media_type": "image/jpeg", "name": "._lunch.jpg"}),
    ]
    assert {answer.status_code for answer in refused} == {422}
    assert all("made by an operating system" in answer.json()["detail"] for answer in refused)
    assert count(gateway.ledger, "receipts") == 0
    assert 'receiptflow_skipped_total{source="api"} 3.0' in (await gateway.anna.get("/metrics")).text
