"""`receiptflow provision` makes a stack run elsewhere ready, once or often, and says in one line what is missing.

Held here against a real server, PostgreSQL and S3, with nothing but environment variables: pool, queues, blocks,
deployments, tables and buckets are there afterwards; what a person changed stays; a mistake names its cure.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Prepare, s3_client_of
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.states import Completed
from pydantic import ValidationError

from deployments.provisioning.automations import FAILED_RUNS
from deployments.provisioning.names import POOL
from deployments.provisioning.prefect_objects import PROJECT_FILE, QUEUES, RETIRED
from deployments.provisioning.project_file import deployments_of
from deployments.stack import Stack
from deployments.stack.settings import StackSettings
from flows.flow_runs.submission import DEPLOYMENT
from flows.ledger.migrate import schema_is_current

DEPLOYMENTS = [
    # A person decides on a receipt as the pipeline reads one: by its name with its flow's, they are two.
    *("receipt", "receipt", "region", "rates", "inbox", "mail", "discrepancies", "webhooks", "operator", "history"),
    *("csv", "ofx", "qif", "firefly-csv", "beancount", "ledger", "hledger", "actual", "firefly"),
]
COMMAND = str(Path(sys.executable).with_name("receiptflow"))


@pytest.fixture(scope="module")
def own_stack(stack_settings: Callable[[], StackSettings], prepare: Prepare) -> Iterator[Stack]:
    """A stack that nobody provisioned."""
    with Stack(prepare(stack_settings())) as running:
        yield running


@pytest.fixture(scope="module")
def elsewhere(own_stack: Stack) -> dict[str, str]:
    """The environment of somebody whose Prefect, PostgreSQL and S3 run elsewhere: addresses, no data folder."""
    own = own_stack.environment
    kept = {name: own[name] for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_HOME")}
    storage = {name: value for name, value in own.items() if name.startswith("RECEIPTFLOW_S3_")}
    names = {"RECEIPTFLOW_INBOX_BUCKET": f"in-{uuid.uuid4().hex[:8]}", "RECEIPTFLOW_RESULTS_BUCKET": "results"}
    ledger = own_stack.settings.database_url(f"ledger_{uuid.uuid4().hex[:8]}")
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **kept, **storage, **names} | {
        "RECEIPTFLOW_LEDGER_URL": ledger
    }


@contextmanager
def pointed_at(environment: dict[str, str]) -> Iterator[SyncPrefectClient]:
    api = {
        PREFECT_API_URL: environment["PREFECT_API_URL"],
        PREFECT_API_AUTH_STRING: environment["PREFECT_API_AUTH_STRING"],
    }
    with temporary_settings(api), get_client(sync_client=True) as client:
        yield client


def provision(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [COMMAND, "provision", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def provisioned(elsewhere: dict[str, str]) -> dict[str, str]:
    """The same once `provision --create` was there."""
    done = provision(elsewhere, "--create")
    assert done.returncode == 0, done.stderr
    return elsewhere


def test_missing_addresses_are_named_in_one_line(elsewhere: dict[str, str]) -> None:
    for name in ("PREFECT_API_URL", "RECEIPTFLOW_LEDGER_URL"):
        done = provision({key: value for key, value in elsewhere.items() if key != name})
        assert done.returncode == 1
        assert name in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_missing_bucket_is_named_with_its_cure(elsewhere: dict[str, str]) -> None:
    bucket = f"missing-{uuid.uuid4().hex[:8]}"
    done = provision(elsewhere | {"RECEIPTFLOW_INBOX_BUCKET": bucket})
    assert done.returncode == 1
    assert bucket in done.stderr and "--create" in done.stderr


def test_everything_is_there_afterwards_and_changes_stay(provisioned: dict[str, str], own_stack: Stack) -> None:
    """Twice: the second time a queue's priority was changed by a person, and remains so."""
    assert schema_is_current(provisioned["RECEIPTFLOW_LEDGER_URL"])
    bucket = provisioned["RECEIPTFLOW_INBOX_BUCKET"]
    assert s3_client_of(own_stack).get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    with pointed_at(provisioned) as client:
        assert client.read_work_pool(POOL).type == "receiptflow"
        queues = {queue.name: queue for queue in client.read_work_queues(work_pool_name=POOL)}
        assert {name: queues[name].priority for name in QUEUES} == QUEUES
        assert sorted(deployment.name for deployment in client.read_deployments()) == sorted(DEPLOYMENTS)
        document = client.read_block_document_by_name("inbox", "s3-bucket")
        assert document.data["bucket_name"] == bucket
        assert client.read_block_type_by_slug("llm-parser").name == "LLM Parser"
        path = f"/work_pools/{POOL}/queues/backlog"
        client.request("PATCH", path, json={"priority": 77})
        again = provision(provisioned | {"RECEIPTFLOW_PUBLIC_URL": "https://receipts.example"})
        assert again.returncode == 0, again.stderr
        assert client.request("GET", path).json()["priority"] == 77
        assert client.read_block_document_by_name("default", "receipt-pipeline").data["public_url"] == (
            "https://receipts.example"
        )


def test_a_deployment_of_the_release_before_goes_with_its_scheduled_runs(provisioned: dict[str, str]) -> None:
    """Also where everything else is deployed already."""
    with pointed_at(provisioned) as client:
        for name in RETIRED:
            flow, deployment = name.split("/")
            made = client.create_deployment(
                flow_id=client.create_flow_from_name(flow), name=deployment, entrypoint="flows.gone.gone"
            )
            run = client.create_flow_run_from_deployment(made)
            ran = client.create_flow_run_from_deployment(made)
            client.set_flow_run_state(ran.id, Completed(), force=True)
        done = provision(provisioned)
        assert done.returncode == 0, done.stderr
        for name in RETIRED:
            with pytest.raises(ObjectNotFound):
                client.read_deployment_by_name(name)
        with pytest.raises(ObjectNotFound):
            client.read_flow_run(run.id)
        assert client.read_flow_run(ran.id).state_name == "Completed"
        assert client.read_deployment_by_name("reconcile-ledger/discrepancies").schedules


def test_a_deployment_that_was_deleted_is_made_again(provisioned: dict[str, str]) -> None:
    with pointed_at(provisioned) as client:
        client.delete_deployment(client.read_deployment_by_name(DEPLOYMENT).id)
        assert provision(provisioned).returncode == 0
        assert client.read_deployment_by_name(DEPLOYMENT).name == "receipt"


def test_schedules_are_acted_on(provisioned: dict[str, str]) -> None:
    """The server makes runs for the sweep's schedule: it does so by an insert that not every SQLAlchemy takes."""
    with pointed_at(provisioned) as client:
        sweep = client.read_deployment_by_name("sweep-inbox/inbox")
        filters = {"deployments": {"id": {"any_": [str(sweep.id)]}}}
        end = time.monotonic() + 180
        while not client.request("POST", "/flow_runs/count", json=filters).json():
            assert time.monotonic() < end, "no run was scheduled"
            time.sleep(1)


def _deployed(client: SyncPrefectClient) -> list[dict[str, Any]]:
    """Every deployment, without what differs by time or is the command's own guess at a version."""
    apart = {"id", "flow_id", "created", "updated", "version", "version_id", "version_info", "branch", "base"}
    apart |= {"status", "last_polled", "created_by", "updated_by", "root", "work_queue_id", "concurrency_limit_id"}
    listed = []
    for one in client.request("POST", "/deployments/filter", json={}).json():
        kept = {name: value for name, value in one.items() if name not in apart}
        kept["flow"] = client.read_flow(one["flow_id"]).name
        for schedule in kept["schedules"]:
            schedule["schedule"].pop("anchor_date", None)
        kept["schedules"] = [{name: one[name] for name in ("schedule", "active")} for one in kept["schedules"]]
        kept["limit"] = (kept.pop("global_concurrency_limit") or {}).get("limit")
        listed.append(kept)
    return sorted(listed, key=lambda one: (one["flow"], one["name"]))


def _delete_all(client: SyncPrefectClient) -> None:
    for one in client.read_deployments():
        client.delete_deployment(one.id)


def test_deployments_are_those_of_prefects_own_command(elsewhere: dict[str, str]) -> None:
    assert provision(elsewhere, "--create").returncode == 0
    with pointed_at(elsewhere) as client:
        _delete_all(client)
        assert provision(elsewhere).returncode == 0
        ours = _deployed(client)
        _delete_all(client)
        command = [
            sys.executable,
            "-m",
            "prefect",
            "--no-prompt",
            "deploy",
            "--all",
            "--prefect-file",
            str(PROJECT_FILE),
        ]
        subprocess.run(command, env=elsewhere, cwd=PROJECT_FILE.parent, capture_output=True, check=True)
        assert len(ours) == len(DEPLOYMENTS)
        assert ours == _deployed(client)
        # Made by the command, they are brought up to date by us without a difference either.
        client.request("DELETE", "/variables/name/receiptflow_deployed")
        assert provision(elsewhere).returncode == 0
        assert ours == _deployed(client)


def test_what_only_prefects_command_knows_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "prefect.yaml"
    file.write_text(
        PROJECT_FILE.read_text().replace("    tags: [receipt]\n", "    tags: [receipt]\n    triggers: []\n")
    )
    with pytest.raises(ValidationError, match="triggers"):
        deployments_of(file)


def test_every_form_describes_its_fields_and_offers_no_null(elsewhere: dict[str, str]) -> None:
    """The UI's form for a custom run is made of the deployed schema; it shows a null as "Property is type None"."""
    assert provision(elsewhere, "--create").returncode == 0
    with pointed_at(elsewhere) as client:
        deployments = client.read_deployments()
    assert len(deployments) == len(DEPLOYMENTS)
    for deployment in deployments:
        assert deployment.description, deployment.name
        for name, field in (deployment.parameter_openapi_schema or {})["properties"].items():
            assert field.get("description"), f"{deployment.name}: {name} has no description"
            assert "null" not in repr(field), f"{deployment.name}: {name} may be null"


def test_automation_and_schedules_are_installed_once_and_stay_as_they_were_set(elsewhere: dict[str, str]) -> None:
    """Paused at first; provisioned again, nothing is doubled or switched off, a deployment made anew is found, and
    parameters that a person gave a deployment stay.
    """
    assert provision(elsewhere, "--create").returncode == 0
    named = {"automations": {"name": {"any_": [FAILED_RUNS]}}}
    with pointed_at(elsewhere) as client:
        (installed,) = client.request("POST", "/automations/filter", json=named).json()
        assert installed["enabled"] is False
        client.request("PATCH", f"/automations/{installed['id']}", json={"enabled": True})
        mail = client.read_deployment_by_name("fetch-mail/mail")
        (paused,) = mail.schedules
        assert paused.active is False
        client.request("PATCH", f"/deployments/{mail.id}/schedules/{paused.id}", json={"active": True})
        books = client.read_deployment_by_name("export-expenses/csv").id
        given = {"target": "csv", "owner": "mia", "folder": "/srv/books"}
        client.request("PATCH", f"/deployments/{books}", json={"parameters": given})
        operator = client.read_deployment_by_name("notify-operator/operator").id
        client.delete_deployment(operator)
        client.request("DELETE", "/variables/name/receiptflow_deployed")
        assert provision(elsewhere).returncode == 0
        (again,) = client.request("POST", "/automations/filter", json=named).json()
        (kept,) = client.read_deployment_by_name("fetch-mail/mail").schedules
        remade = client.read_deployment_by_name("notify-operator/operator").id
        exported = client.read_deployment_by_name("export-expenses/csv")
    assert (again["id"], again["enabled"]) == (installed["id"], True)
    assert exported.parameters == given
    assert kept.active is True
    assert again["actions"][0]["deployment_id"] == str(remade) != str(operator)
