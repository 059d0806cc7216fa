"""The embedded SeaweedFS lets nobody in without credentials, on any port; what it accepts it lists, and its events lead
to the object.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import psutil
import pytest
from botocore.exceptions import ClientError
from conftest import free_ports, s3_client_of

from deployments.ingest.bucket_events import ObjectCreated, read_events
from deployments.stack import Stack
from deployments.stack.seaweedfs import binary, internal_certificates
from deployments.stack.settings import StackSettings
from flows.storage import Inbox

HIDDEN = "acme/trip.versions/lunch.jpg"


@pytest.fixture(scope="module")
def announced(stack_settings: Callable[[], StackSettings]) -> Iterator[tuple[Stack, Queue[bytes]]]:
    """A SeaweedFS, and the events that it posts to where the gateway would listen."""
    settings, events = stack_settings(), Queue[bytes]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            events.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with Stack(settings, core=["seaweedfs"]) as stack:
        listener = ThreadingHTTPServer(("127.0.0.1", settings.ports.gateway), Handler)
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield stack, events
        listener.shutdown()
        listener.server_close()


def announced_until(events: Queue[bytes], keys: set[str]) -> set[str]:
    """What is announced, in whatever order, until all these keys are; folders left out."""
    seen: set[str] = set()
    while not keys <= seen:
        seen |= {hint.key for hint in read_events(events.get(timeout=60))}
    return seen


def test_an_event_of_a_versioned_object_leads_to_its_key(announced: tuple[Stack, Queue[bytes]]) -> None:
    stack, events = announced
    client = s3_client_of(stack)
    client.put_object(Bucket="inbox", Key="acme/a.jpg", Body=b"1")
    client.copy_object(Bucket="inbox", Key="acme/b.jpg", CopySource="inbox/acme/a.jpg")
    upload = client.create_multipart_upload(Bucket="inbox", Key="acme/c.jpg")["UploadId"]
    part = client.upload_part(Bucket="inbox", Key="acme/c.jpg", PartNumber=1, UploadId=upload, Body=b"2")
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    client.complete_multipart_upload(Bucket="inbox", Key="acme/c.jpg", UploadId=upload, MultipartUpload=parts)
    keys = {"acme/a.jpg", "acme/b.jpg", "acme/c.jpg"}
    assert announced_until(events, keys) == keys


def test_a_folder_that_listings_would_hide_is_refused(announced: tuple[Stack, Queue[bytes]]) -> None:
    """SeaweedFS takes folders `*.versions` for its own and lists nothing in them: no sweep would find the object."""
    client = s3_client_of(announced[0])
    ways: list[Callable[[], Any]] = [
        lambda: client.put_object(Bucket="inbox", Key=HIDDEN, Body=b"1"),
        lambda: client.put_object(Bucket="inbox", Key="trip.versions/deep/lunch.jpg", Body=b"1"),
        lambda: client.create_multipart_upload(Bucket="inbox", Key=HIDDEN),
        lambda: client.copy_object(Bucket="inbox", Key=HIDDEN, CopySource="inbox/acme/seen.jpg"),
    ]
    client.put_object(Bucket="inbox", Key="acme/seen.jpg", Body=b"1")
    for way in ways:
        with pytest.raises(ClientError, match="AccessDenied"):
            way()
    for key in ("acme/versions/1.jpg", "acme/trip.versions.jpg", "acme/trip versions/1.jpg"):
        client.put_object(Bucket="inbox", Key=key, Body=b"1")
        assert key in {one.key for page in Inbox(client, "inbox").pages() for one in page}


def test_buckets_of_a_server_that_is_gone_are_not_waited_for(announced: tuple[Stack, Queue[bytes]]) -> None:
    """As when the stack is stopped while it starts; there is one line that says why."""
    command = [sys.executable, "-m", "deployments.stack.bucket_process", "inbox", "results"]
    env = os.environ | announced[0].environment
    there = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (there.returncode, there.stderr) == (0, "")
    env |= {"RECEIPTFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{free_ports()}"}
    gone = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert gone.returncode == 1
    assert gone.stderr.startswith("its buckets could not be made (Could not connect") and gone.stderr.count("\n") == 1


def test_a_users_folder_is_no_version(announced: tuple[Stack, Queue[bytes]]) -> None:
    """As an event of a SeaweedFS elsewhere, whose bucket is not versioned, has it."""
    path = f"/buckets/inbox/{HIDDEN}"
    for key in (HIDDEN, "acme/trip.versions/v_6713d511812c3a5485170f02fdd7f548"):
        event = {"event_type": "create", "key": f"/buckets/inbox/{key}", "message": {"new_entry": {"name": path}}}
        assert read_events(json.dumps(event)) == [ObjectCreated("inbox", key)]


# What SeaweedFS's servers would tell or do over HTTP: listings, originals, topology, deleting a bucket's volumes.
PATHS = (
    "/",
    "/buckets/inbox/",
    "/inbox/",
    "/inbox/acme/secret.jpg",
    "/buckets/inbox/acme/secret.jpg",
    "/dir/status",
    "/dir/assign",
    "/cluster/status",
    "/col/delete?collection=inbox",
    "/vol/status",
    "/status",
    "/metrics",
    "/debug/pprof/",
)
SHELL_SECONDS = 10


@pytest.fixture(scope="module")
def guarded(announced: tuple[Stack, Queue[bytes]]) -> Stack:
    """The same with an original in it."""
    s3_client_of(announced[0]).put_object(Bucket="inbox", Key="acme/secret.jpg", Body=b"secret")
    return announced[0]


def ports_of(stack: Stack) -> set[int]:
    """Every TCP port that the program listens on, planned or not."""
    data = str(stack.settings.root)
    (process,) = [
        one for one in psutil.process_iter(["name", "cmdline"]) if one.name() == "weed" and data in str(one.cmdline())
    ]
    return {one.laddr.port for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN}


def test_every_port_is_one_of_the_plan(guarded: Stack) -> None:
    ports = guarded.settings.ports
    assert ports_of(guarded) == {ports.s3, *ports.internal.values()}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_port_answers_a_stranger(guarded: Stack, scheme: str) -> None:
    """Over TLS without a certificate as well as in plain."""
    answered = []
    with httpx.Client(verify=False, timeout=10) as stranger:  # noqa: S501  # any server's certificate will do
        for port in ports_of(guarded):
            for path in PATHS:
                if (port, path) == (guarded.settings.ports.s3, "/status"):
                    continue  # S3's health check: an empty answer
                with suppress(httpx.TransportError):
                    answer = stranger.get(f"{scheme}://127.0.0.1:{port}{path}")
                    answered += [(port, path, answer.status_code)] * (answer.status_code not in {400, 401, 403})
    assert answered == []
    assert s3_client_of(guarded).get_object(Bucket="inbox", Key="acme/secret.jpg")["Body"].read() == b"secret"


def shell(stack: Stack, folder: Path, command: str, **env: str) -> str:
    """What `weed shell` prints, as long as it is let run; it asks master and filer over gRPC."""
    ports = stack.settings.ports.internal
    master = f"127.0.0.1:{ports['master.port']}.{ports['master.port.grpc']}"
    filer = f"127.0.0.1:{ports['filer.port']}.{ports['filer.port.grpc']}"
    process = subprocess.Popen(
        [str(binary()), "shell", f"-master={master}", f"-filer={filer}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **env},
    )
    try:
        return process.communicate(f"{command}\nexit\n", timeout=SHELL_SECONDS)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0]


@pytest.mark.parametrize(
    ("command", "sign"), [("fs.ls /buckets/inbox", "acme"), ("collection.list", "inbox"), ("volume.list", "Topology")]
)
def test_grpc_lets_nobody_in_without_a_certificate(guarded: Stack, tmp_path: Path, command: str, sign: str) -> None:
    assert sign in shell(guarded, tmp_path, command, **internal_certificates(guarded.settings))
    assert sign not in shell(guarded, tmp_path, command)


def test_the_keys_are_private(guarded: Stack) -> None:
    folder = guarded.settings.root / "seaweedfs-tls"
    assert folder.stat().st_mode & 0o077 == 0
    assert [file.name for file in folder.iterdir() if file.stat().st_mode & 0o077] == []


_OBJECTS, _IDLE_SECONDS = 40, 10
_MOST_WAKE_UPS = 6000  # a new one has some 2,000 in that time, and one that took up its election's log again 19,000


def wake_ups(pid: int) -> int:
    """How often all threads of a process have waited for something."""
    files = Path(f"/proc/{pid}/task").glob("*/status")
    lines = (line for file in files for line in file.read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))


def test_a_restarted_one_has_all_objects_and_idles_as_a_new_one(stack_settings: Callable[[], StackSettings]) -> None:
    settings, kept = stack_settings(), dict[str, bytes]()

    def put_more(stack: Stack, life: int) -> None:
        client = s3_client_of(stack)
        for number in range(_OBJECTS):
            key, body = f"acme/{life}-{number}.jpg", os.urandom(20_000 + number)
            client.put_object(Bucket="inbox", Key=key, Body=body)
            kept[key] = body
        client.put_object(Bucket="inbox", Key="acme/same.jpg", Body=b"%d" % life)
        assert {key: client.get_object(Bucket="inbox", Key=key)["Body"].read() for key in kept} == kept

    for life in (0, 2):
        with Stack(settings, core=["seaweedfs"]) as stack:
            put_more(stack, life)
            os.kill(stack.pids()["seaweedfs"], signal.SIGKILL)
            while stack.starts()["seaweedfs"] < 2 or not stack.ready("seaweedfs"):
                time.sleep(0.1)
            put_more(stack, life + 1)
            versions = s3_client_of(stack).list_object_versions(Bucket="inbox", Prefix="acme/same.jpg")["Versions"]
            assert len(versions) == life + 2
    with Stack(settings, core=["seaweedfs"]) as stack:
        pid = stack.pids()["seaweedfs"]
        time.sleep(_IDLE_SECONDS)
        before = wake_ups(pid)
        time.sleep(_IDLE_SECONDS)
        assert wake_ups(pid) - before < _MOST_WAKE_UPS
