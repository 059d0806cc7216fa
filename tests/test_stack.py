"""The embedded stack: each part serves its real client, with credentials, and tells others where it is."""

from __future__ import annotations

import stat
from typing import Any

import boto3
import botocore.exceptions
import httpx
import psutil
import psycopg
import pytest
from conftest import s3_client_of

from deployments.stack import Stack, find_stack, shell_environment


def test_ledger_database_takes_connections_and_flushes_each_commit(stack: Stack) -> None:
    url = stack.endpoints["ledger"].replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_database(), current_setting('synchronous_commit')").fetchone()
        listening = connection.execute("SELECT current_setting('listen_addresses')").fetchone()
    assert row == ("ledger", "on")
    assert listening == ("",)


def test_object_comes_back_from_the_inbox(stack: Stack) -> None:
    client = s3_client_of(stack)
    client.put_object(Bucket="inbox", Key="someone/a b.jpg", Body=b"picture")
    assert client.get_object(Bucket="inbox", Key="someone/a b.jpg")["Body"].read() == b"picture"


def test_overwritten_object_of_the_inbox_is_kept(stack: Stack) -> None:
    client = s3_client_of(stack)
    first = client.put_object(Bucket="inbox", Key="someone/twice.jpg", Body=b"first")
    client.put_object(Bucket="inbox", Key="someone/twice.jpg", Body=b"second")
    assert client.get_object(Bucket="inbox", Key="someone/twice.jpg")["Body"].read() == b"second"
    old = client.get_object(Bucket="inbox", Key="someone/twice.jpg", VersionId=first["VersionId"])
    assert old["Body"].read() == b"first"


def test_s3_refuses_a_stranger(stack: Stack) -> None:
    stranger: Any = boto3.client(
        "s3",
        endpoint_url=stack.endpoints["s3"],
        aws_access_key_id=stack.environment["RECEIPTFLOW_S3_ACCESS_KEY"],
        aws_secret_access_key="guessed",
        region_name="us-east-1",
    )
    with pytest.raises(botocore.exceptions.ClientError, match="SignatureDoesNotMatch"):
        stranger.list_objects_v2(Bucket="inbox")


def test_prefect_demands_the_auth_string(stack: Stack) -> None:
    url = stack.environment["PREFECT_API_URL"] + "/flows/filter"
    user, _, password = stack.environment["PREFECT_API_AUTH_STRING"].partition(":")
    assert httpx.post(url, json={}).status_code == 401
    assert httpx.post(url, json={}, auth=(user, password)).status_code == 200


async def test_prefects_client_finds_the_server(prefect_api: Stack) -> None:
    from prefect import get_client  # noqa: PLC0415

    async with get_client() as client:
        assert await client.api_healthcheck() is None


def test_ui_knows_its_api_address(stack: Stack) -> None:
    settings = httpx.get(f"{stack.endpoints['prefect']}/ui-settings").json()
    assert settings["api_url"] == stack.environment["PREFECT_API_URL"]


def test_secrets_are_private(stack: Stack) -> None:
    for name in ("secrets.json", "stack.json", "s3.json"):
        assert stat.S_IMODE((stack.settings.root / name).stat().st_mode) == 0o600, name


def test_the_sockets_folder_is_private(stack: Stack) -> None:
    assert stat.S_IMODE(stack.settings.socket_dir.stat().st_mode) & 0o077 == 0


def test_every_part_listens_on_loopback_only(stack: Stack) -> None:
    parts = [psutil.Process(pid) for pid in stack.pids().values()]
    listening = {
        one.laddr.ip
        for part in parts
        for process in (part, *part.children(recursive=True))
        for one in process.net_connections("inet")
        if one.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_other_commands_find_the_running_stack_even_on_another_port(stack: Stack) -> None:
    elsewhere = stack.settings.model_copy(update={"port": 4200})
    assert find_stack(elsewhere) == stack.environment
    assert shell_environment(elsewhere)["AWS_ENDPOINT_URL"] == stack.endpoints["s3"]
