"""A real Prometheus scrapes a real stack: each query of the dashboard has an answer; promtool tries each alert.

`make test-monitoring`; Debian: `apt install prometheus`.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from conftest import Prepare, free_ports
from PIL import Image, ImageDraw, ImageFont

from deployments.samples import render_samples
from deployments.stack.settings import StackSettings

pytestmark = pytest.mark.slow

FILES = Path(__file__).parent.parent / "deployments" / "operations"
RULES = FILES / "prometheus-alerts.yaml"
OPERATIONS = FILES.parent.parent / "docs" / "operations.md"
DASHBOARD = json.loads((FILES / "grafana-dashboard.json").read_text())
QUERIES = {panel["title"]: panel["targets"][0]["expr"] for panel in DASHBOARD["panels"]}
COMMAND = str(Path(sys.executable).with_name("receiptflow"))
WAIT_SECONDS = 300
# What each alert is about, as promtool writes series: first as it is when all is well, then as it is in trouble.
SERIES = {
    "ReceiptsWaitLong": ("receiptflow_queue_age_seconds", "0x90", "3601x90"),
    "PrefectNotConnected": ("receiptflow_prefect_connected", "1x90", "0x90"),
    "GatewayServiceFails": ('receiptflow_service_healthy{service="watcher"}', "1x90", "0x90"),
    "GatewayAnswersErrors": ('receiptflow_request_seconds_count{status="503"}', "0+1x90", "0+60x90"),
    "NotificationsPileUp": ("receiptflow_notifications_unsent", "100x90", "101x90"),
    "DiskLow": ("receiptflow_disk_low", "0x90", "1x90"),
    "NothingScraped": ("receiptflow_prefect_connected", "1x90", "_x90"),
}


def until(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + WAIT_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(0.5)
    return found


def test_promtool_finds_nothing_wrong() -> None:
    done = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    assert {rule["alert"] for rule in rules} == SERIES.keys()


@pytest.mark.parametrize("alert", SERIES)
def test_an_alert_comes_in_trouble_and_only_then(alert: str, tmp_path: Path) -> None:
    series, well, trouble = SERIES[alert]
    for name, values, firing in (("well", well, False), ("trouble", trouble, True)):
        test = {"series": series, "values": values}
        case = {"interval": "1m", "input_series": [test], "promql_expr_test": [], "name": name}
        expression = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}}) or vector(0)'
        case["promql_expr_test"] = [
            {"expr": expression, "eval_time": "1h", "exp_samples": [{"labels": "{}", "value": int(firing)}]}
        ]
        file = tmp_path / f"{name}.yaml"
        file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))
        done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"


def doubtful(path: Path) -> None:
    """A receipt of two totals."""
    image, font = Image.new("L", (500, 420), 255), ImageFont.load_default(30)
    lines = ("CORNER SHOP", "12 High Street", "2026-11-12 10:15", "TOTAL 25.00 EUR", "TOTAL 50.00 EUR")
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((30, 20 + 55 * number), line, fill=0, font=font)
    image.save(path)


class Prometheus:
    """A running one."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **parameters: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def scraped(self) -> bool:
        try:
            ready = httpx.get(f"{self.url}/-/ready", timeout=30).status_code == 200
        except httpx.TransportError:
            return False
        return ready and [target["health"] for target in self.get("targets")["activeTargets"]] == ["up"]

    def values(self, query: str) -> list[float]:
        """What a query gives, without what is no number."""
        found = (float(one["value"][1]) for one in self.get("query", query=query)["result"])
        return [value for value in found if not math.isnan(value)]


@pytest.fixture(scope="module")
def settings(stack_settings: Callable[[], StackSettings], prepare: Prepare) -> StackSettings:
    return prepare(stack_settings())


@pytest.fixture(scope="module")
def up(settings: StackSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A whole stack that reads four samples, and one that a person has to look at."""
    receipts = tmp_path_factory.mktemp("receipts")
    render_samples(receipts, count=4)
    doubtful(receipts / "doubtful.png")
    line = [COMMAND, "up", "--data", str(settings.data_dir), "--port", str(settings.port), "--receipts", str(receipts)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        printed = list(itertools.takewhile(lambda text: "Ctrl-C stops everything" not in text, process.stdout))
        assert process.poll() is None, "".join(printed)
        yield
        process.terminate()
        process.communicate(timeout=WAIT_SECONDS)


@pytest.fixture(scope="module")
def prometheus(up: None, settings: StackSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """One that is set up as docs/operations.md says, but scrapes every second."""
    folder, port = tmp_path_factory.mktemp("prometheus"), free_ports()
    line = [COMMAND, "keys", "create", "--owner", "monitoring", "--scope", "operator", "--json"]
    made = subprocess.run([*line, "--data", str(settings.data_dir)], capture_output=True, text=True, check=True)
    (folder / "key").write_text(json.loads(made.stdout)["key"])
    written = re.search(r"```yaml\n(# prometheus.yml\n.+?)```", OPERATIONS.read_text(), re.DOTALL)
    assert written is not None
    text = written[1].replace("/etc/prometheus/prometheus-alerts.yaml", str(RULES))
    text = text.replace("/etc/prometheus/receiptflow-key", str(folder / "key"))
    text = text.replace("127.0.0.1:4201", f"127.0.0.1:{settings.ports.gateway}")
    soon = "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
    (folder / "prometheus.yaml").write_text(soon + text)
    subprocess.run(["promtool", "check", "config", folder / "prometheus.yaml"], check=True, capture_output=True)
    options = [f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data"]
    with subprocess.Popen(
        ["prometheus", *options, f"--web.listen-address=127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"]},
    ) as process:
        running = Prometheus(port)
        try:
            until(running.scraped, "a scrape")
            yield running
        finally:
            process.terminate()


@pytest.mark.parametrize("title", QUERIES)
def test_a_query_of_the_dashboard_has_an_answer(prometheus: Prometheus, title: str) -> None:
    assert until(lambda: prometheus.values(QUERIES[title]), f"an answer to {QUERIES[title]}")


def test_what_is_answered_is_what_happened(prometheus: Prometheus) -> None:
    done = 'sum(receiptflow_receipts{state=~"expensed|review|duplicate|quarantined"})'
    until(lambda: prometheus.values(done) == [5.0], "the end of all receipts")
    assert prometheus.values(QUERIES["In review, by reason"]) == [1.0]
    assert prometheus.values("receiptflow_prefect_connected") == [1.0]


def test_nothing_alerts_while_all_is_well(prometheus: Prometheus) -> None:
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules} == SERIES.keys()
    assert {rule["health"] for rule in rules} == {"ok"}
    assert prometheus.get("alerts")["alerts"] == []
