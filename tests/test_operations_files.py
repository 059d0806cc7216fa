"""What comes along for operators fits what there is: image, compose file, manifests, dashboard and alert rules.

The image's file is linted by hadolint; compose file and manifests are held against their schemas, and what they run
against our commands; dashboard and rules against the metrics that a gateway really exports.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import compose_spec
import kubernetes_validate
import pytest
import yaml
from gateway_helpers import Gateway
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from prefect_aws.workers.ecs_worker import ECSVariables
from prometheus_client.parser import text_string_to_metric_families

from deployments.settings import GatewaySettings
from deployments.stack.prefect_server import SERVER_SETTINGS
from deployments.version import installed_version

pytest_plugins = ["gateway_helpers"]
ROOT = Path(__file__).parent.parent
FILES = ROOT / "deployments" / "operations"
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
MANIFESTS = list(yaml.safe_load_all((FILES / "kubernetes.yaml").read_text()))


def test_the_image_is_linted_and_not_root() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert re.search(r"^USER 10001$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def test_all_that_the_image_copies_is_let_through() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    allowed = (ROOT / ".dockerignore").read_text()
    for path in " ".join(copied).split():
        assert (ROOT / path).exists() and f"!{path}\n" in allowed


def test_the_compose_file_is_one() -> None:
    services = compose_spec.PyCompose.from_json(json.dumps(COMPOSE)).to_spec().services or {}
    assert sorted(services) == ["gateway", "postgres", "prefect", "provision", "s3", "worker"]


def test_every_variable_of_the_compose_file_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text()))
    example = set(re.findall(r"^(\w+)=$", (FILES / "compose.env.example").read_text(), re.MULTILINE))
    assert asked == example


def _programs() -> list[tuple[str, list[str], dict[str, Any]]]:
    found = [(name, one.get("command", []), one.get("environment", {})) for name, one in COMPOSE["services"].items()]
    for manifest in MANIFESTS:
        for container in manifest["spec"].get("template", {}).get("spec", {}).get("containers", ()):
            env = {entry["name"]: entry.get("value", "") for entry in container["env"]}
            found.append((container["name"], container["args"], env))
    return found


PROGRAMS = [one for one in _programs() if one[0] not in {"postgres", "s3"}]


@pytest.mark.parametrize(("name", "command", "env"), PROGRAMS, ids=[one[0] for one in PROGRAMS])
def test_what_is_run_is_ours_and_so_are_its_settings(name: str, command: list[str], env: dict[str, Any]) -> None:
    if command[0] == "python":
        assert (ROOT / Path(*command[2].split("."))).exists() or (ROOT / f"{command[2].replace('.', '/')}.py").exists()
    else:
        assert Path(sys.executable).with_name(command[0]).exists()
    known = {f"RECEIPTFLOW_{field.upper()}" for field in GatewaySettings.model_fields}
    assert {variable for variable in env if variable.startswith("RECEIPTFLOW_")} <= known
    tuned = {variable: value for variable, value in env.items() if variable in SERVER_SETTINGS}
    assert tuned.items() <= SERVER_SETTINGS.items()


def test_images_have_this_version() -> None:
    named = re.findall(r"image: receiptflow:(\S+)", (ROOT / "compose.yaml").read_text())
    named += re.findall(r"image: receiptflow:(\S+)", (FILES / "kubernetes.yaml").read_text())
    assert set(named) == {installed_version()}


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_manifests_are_valid_and_not_root(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, "1.30", strict=True)
    if manifest["kind"] == "Deployment":
        pod = manifest["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert all(one["securityContext"]["allowPrivilegeEscalation"] is False for one in pod["containers"])


def test_job_variables_are_those_of_the_ecs_worker() -> None:
    variables = json.loads((FILES / "ecs-job-variables.json").read_text())
    assert set(variables) <= set(ECSVariables.model_fields)
    ECSVariables.model_validate(variables)
    assert variables["image"].endswith(f":{installed_version()}")


def _left_out(written: Any, read: Any, path: str = "") -> list[str]:
    """Where `read` lacks or has otherwise what is written."""
    if isinstance(written, dict) and isinstance(read, dict):
        return [one for key, value in written.items() for one in _left_out(value, read.get(key), f"{path}/{key}")]
    if isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        pairs = enumerate(zip(written, read, strict=True))
        return [one for number, pair in pairs for one in _left_out(*pair, f"{path}/{number}")]
    return [] if written == read else [path]


def test_the_dashboard_is_what_grafanas_own_types_hold() -> None:
    """Whatever they do not know is lost when they read it and write it again."""
    register_default_plugins()
    dashboard = json.loads((FILES / "grafana-dashboard.json").read_text())
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))
    assert _left_out(dashboard, read) == []
    dashboard["panels"][0]["fieldConfig"]["defaults"]["units"] = "short"  # misspelt
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))
    assert _left_out(dashboard, read) == ["/panels/0/fieldConfig/defaults/units"]


async def test_dashboard_and_alerts_ask_for_metrics_that_there_are(gateway: Gateway) -> None:
    await gateway.anna.get("/expenses")
    exported = (await gateway.anna.get("/metrics")).text
    names = {
        name
        for family in text_string_to_metric_families(exported)
        for name in {family.name, *(sample.name for sample in family.samples)}
    } | {"receiptflow_received_total", "receiptflow_disk_free_bytes", "receiptflow_disk_low"}
    dashboard = json.loads((FILES / "grafana-dashboard.json").read_text())
    rules = yaml.safe_load((FILES / "prometheus-alerts.yaml").read_text())["groups"][0]["rules"]
    expressions = [panel["targets"][0]["expr"] for panel in dashboard["panels"]] + [rule["expr"] for rule in rules]
    asked = {name for expression in expressions for name in re.findall(r"receiptflow_\w+", expression)}
    assert asked <= names
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] for rule in rules)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) > 10
