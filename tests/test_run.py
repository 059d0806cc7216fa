"""What a newcomer does, seen from outside: `make run`, the command line, `prefect deployment run`, `aws s3 cp`."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_containers import packed
from up_helpers import BIN, COMMAND_SECONDS, RECEIPT_SECONDS, Running

from deployments.cli.demo import TRUTH_FILE
from deployments.cli.image_files import pictures_in
from deployments.samples import HOSTILE, render_hostile, render_samples
from deployments.stack.provisioning import Provisioning
from deployments.stack.settings import StackSettings
from flows.pipeline.durable_step import EXECUTION_LOG

pytest_plugins = ["up_helpers"]
ROOT = Path(__file__).parent.parent
START_SECONDS = 480


_LOGGED = re.compile(r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) (?P<part>.{10}) (?P<level>[A-Z]* +)\S")


@pytest.fixture(scope="module")
def receipts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("receipts")
    render_samples(folder, count=4)
    return folder


def make_run(settings: StackSettings, receipts: Path, log: Path) -> subprocess.CompletedProcess[str]:
    """`make run ONCE=1` in the environment that runs the tests."""
    arguments = (f"DATA={settings.data_dir}", f"PORT={settings.port}", f"RECEIPTS={receipts}", f"VENV={BIN.parent}")
    return subprocess.run(
        ["make", "--no-print-directory", "run", "ONCE=1", *arguments],
        cwd=ROOT,
        env={**os.environ, EXECUTION_LOG: str(log), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=START_SECONDS + RECEIPT_SECONDS,
        check=False,
    )


def executed(log: Path, step: str) -> int:
    lines = log.read_text().splitlines() if log.exists() else []
    return sum(line.split("\t")[1:3] == ["started", step] for line in lines)


def test_make_run_once_processes_every_image_and_a_second_run_reads_nothing(
    stack_settings: Callable[[], StackSettings], receipts: Path, tmp_path: Path
) -> None:
    settings, log = stack_settings(), tmp_path / "executions"
    (receipts / "notes.txt").write_text("not a receipt")
    (receipts / "Thumbs.db").write_bytes(b"1")
    first = make_run(settings, receipts, log)
    assert first.returncode == 0, first.stdout + first.stderr
    assert re.search(r"4 receipts in [\d.]+ s", first.stdout)
    assert "from before" not in first.stdout, "the bucket's events are no earlier runs"
    assert re.search(r"^ *\d+ s  4 of 4 processed: ", first.stdout, re.MULTILINE), "progress shows without a terminal"
    assert re.search(r"wait for you in review|Nothing waits for you", first.stdout)
    assert "skipped notes.txt" in first.stdout
    assert "skipped 1 files of an operating system: Thumbs.db" in first.stderr
    read = executed(log, "extract_text")
    assert read == 4
    second = make_run(settings, receipts, log)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "4 of them from before" in second.stdout
    assert "Nothing was left to do" in second.stdout and "a second)" not in second.stdout
    assert executed(log, "extract_text") == read


def test_our_own_samples_are_all_taken_and_nothing_is_said_of_what_lies_beside(
    receipts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = pictures_in(receipts, beside=(TRUTH_FILE,))
    assert TRUTH_FILE in {path.name for path in receipts.iterdir()} - {path.name for path in taken}
    assert TRUTH_FILE not in "".join(capsys.readouterr())
    pictures_in(receipts)
    assert TRUTH_FILE in "".join(capsys.readouterr()), "of a folder of the user's own everything is said"


@pytest.mark.parametrize(("folder", "said"), [("missing", "is no folder"), ("empty", "holds no images")])
def test_a_folder_without_receipts_is_one_clear_line(
    stack_settings: Callable[[], StackSettings], tmp_path: Path, folder: str, said: str
) -> None:
    (tmp_path / "empty").mkdir()
    answer = subprocess.run(
        [BIN / "receiptflow", "up", "--data", str(stack_settings().data_dir), "--receipts", str(tmp_path / folder)],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert answer.returncode == 1
    assert said in answer.stderr and "Traceback" not in answer.stderr


def unique(source: Path, target: Path) -> Path:
    """A copy that is a content of its own."""
    shutil.copy(source, target)
    with target.open("ab") as file:
        file.write(os.urandom(8))
    return target


@pytest.fixture
def photo(receipts: Path, tmp_path: Path) -> Path:
    return unique(next(iter(sorted(receipts.glob("*.jpg")))), tmp_path / f"{tmp_path.name}.jpg")


def test_systemd_is_told_once_all_is_up(running: Running, service_manager: socket.socket) -> None:
    assert service_manager.recv(100) == b"READY=1"  # right after the line that was waited for


def test_the_next_start_need_not_wait_for_provisioning(running: Running) -> None:
    assert not Provisioning(running.settings, first_access=True).is_needed


def test_status_shows_what_runs_and_tells_monitors_by_its_exit_status(running: Running, tmp_path: Path) -> None:
    command = [str(BIN / "receiptflow"), "status", "--json", "--data"]

    def asked(data: Path, env: dict[str, str]) -> tuple[int, dict[str, Any]]:
        done = subprocess.run(
            [*command, str(data)], env=env, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
        return done.returncode, json.loads(done.stdout)

    code, standing = asked(running.settings.data_dir, running.env)
    assert code == {"fine": 0, "warning": 1}[standing["level"]], standing  # the first sweep may still be to come
    assert {name for name, part in standing["parts"].items() if part["answers"] and part["since"]} == {
        "ledger",
        "storage",
        "prefect",
        "gateway",
    }
    assert standing["workers_online"] == 1 and standing["disk_free_bytes"] > 0
    nowhere = {name: value for name, value in running.env.items() if not name.startswith(("PREFECT_", "RECEIPTFLOW_"))}
    code, standing = asked(tmp_path, nowhere)
    assert (code, standing["level"]) == (2, "critical")
    assert asked(tmp_path, running.env | {"PREFECT_API_URL": "http://127.0.0.1:1/api"})[0] == 2


def test_added_file_waits_until_it_is_processed(running: Running, photo: Path) -> None:
    (row,) = running.cli("add", str(photo), "--owner", "acme", "--wait")
    assert row["owner"] == "acme" and row["state"] in {"expensed", "review"}
    shown = running.cli("show", row["id"])
    assert [change["to_state"] for change in shown["history"]] == ["waiting", "running", row["state"]]
    assert (shown["expense"] is not None) is (row["state"] == "expensed")
    command = (str(BIN / "receiptflow"), "logs", "--receipt", row["id"], "--data", str(running.settings.data_dir))
    told = running.run(*command).splitlines()
    assert [line for line in told if not _LOGGED.match(line)] == []
    assert {"ledger", "flow run", "gateway", "worker"} <= {line[24:34].strip() for line in told}
    assert sorted(told, key=lambda line: line[:23]) == told
    with subprocess.Popen([*command, "-f"], env=running.env, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        next(line for line in following.stdout if "flow run   INFO" in line and "Finished" in line)
        running.run(str(BIN / "receiptflow"), "retry", row["id"])
        again = iter(following.stdout)
        assert next(line for line in again if "ledger     INFO" in line and "waiting" in line)
        assert next(line for line in again if "flow run   INFO" in line and "Finished" in line)
        following.kill()


def test_a_folder_with_an_archive_is_added_once(running: Running, photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "month"
    (folder / "week").mkdir(parents=True)
    unique(photo, folder / "week" / "1.jpg")
    (folder / ".DS_Store").write_bytes(b"junk")
    (folder / "notes.docx").write_bytes(packed({"word/document.xml": b"<x/>"}))
    (folder / "2.zip").write_bytes(packed({"a/2.jpg": unique(photo, tmp_path / "2.jpg").read_bytes(), "x.txt": b"x"}))
    command = [str(BIN / "receiptflow"), "add", str(folder), "--owner", "zip", "--json"]
    known = []
    for _ in range(2):
        done = subprocess.run(
            command, env=running.env, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
        assert done.returncode == 1 and "notes.docx" in done.stderr  # said, and no hindrance
        known.append({row["key"]: row["id"] for row in json.loads(done.stdout)})
    assert known[0] == known[1] and set(known[0]) == {"zip/1.jpg", "zip/2.jpg"}


def test_a_watched_folder_is_taken_once_also_where_its_memory_is_lost(
    running: Running, photo: Path, tmp_path: Path
) -> None:
    folder, moved, data = tmp_path / "scans", tmp_path / "moved", running.settings.data_dir
    folder.mkdir()
    shutil.copy(photo, folder / "1.jpg")
    (folder / "2.jpg.part").write_bytes(b"half")
    (folder / "broken.zip").write_bytes(b"PK\x03\x04 broken")
    (folder / "list.txt.bin").write_bytes(b"MZ no receipt")
    command = (str(BIN / "receiptflow"), "watch", str(folder), "--owner", "scans", "--once", "--settle-seconds", "0.2")
    running.run(*command, "--data", str(data))
    shutil.rmtree(data / "watched")
    running.run(*command, "--data", str(data), "--move-to", str(moved))
    rows = running.cli("receipts", "--owner", "scans")
    assert [row["key"] for row in rows] == ["scans/1.jpg"]
    assert [path.name for path in moved.iterdir()] == ["1.jpg"]
    assert {path.name for path in folder.iterdir()} == {"2.jpg.part", "broken.zip", "list.txt.bin"}


def test_object_copied_by_the_aws_client_becomes_an_expense_by_the_sweep(running: Running, photo: Path) -> None:
    running.run(str(BIN / "aws"), "s3", "cp", "--only-show-errors", str(photo), "s3://inbox/acme/by-aws.jpg")
    assert running.cli("sweep")["received"] >= 0
    assert running.wait_for("acme/by-aws.jpg")["state"] in {"expensed", "review"}


def test_each_received_object_is_emitted_as_a_prefect_event(running: Running, photo: Path) -> None:
    """Whatever the source: here the command line's, which is submitted in the same way as the sweep's."""
    (row,) = running.cli("add", str(photo), "--wait")
    wanted = {"resource": {"id": [f"receiptflow.receipt.{row['id']}"]}}
    (event,) = running.events(wanted)
    assert event["payload"] == {"key": row["key"], "bucket": "inbox", "owner": row["owner"]}
    assert f"prefect.flow-run.{row['flow_run_id']}" in {one["prefect.resource.id"] for one in event["related"]}


def test_deployment_run_by_a_script(running: Running, photo: Path) -> None:
    running.run(str(BIN / "aws"), "s3", "cp", "--only-show-errors", str(photo), "s3://inbox/script/one.jpg")
    prefect = str(BIN / "prefect")
    running.run(prefect, "deployment", "run", "receipt-to-expense/receipt", "-p", "key=script/one.jpg")
    receipt = running.wait_for("script/one.jpg")
    assert receipt["owner"] == "script"


def test_unreadable_files_do_not_hold_up_the_others(running: Running, photo: Path, tmp_path: Path) -> None:
    render_hostile(tmp_path / "hostile")
    files = [str(path) for path in sorted((tmp_path / "hostile").iterdir()) if path.name in HOSTILE]
    rows = running.cli("add", *files, str(photo), "--owner", "stranger", "--wait")
    states = {Path(row["key"]).name: row["state"] for row in rows}
    assert states.pop(photo.name) in {"expensed", "review"}
    assert set(states.values()) == {"quarantined"}
    assert all(row["reason"] for row in rows if row["state"] == "quarantined")


def test_retry_takes_a_quarantined_receipt_up_again(running: Running, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0" + os.urandom(64))
    (row,) = running.cli("add", str(broken), "--wait")
    assert row["state"] == "quarantined"
    running.cli("retry", row["id"])
    assert running.wait_for(row["key"])["attempt"] == 2


def test_wrong_use_is_one_clear_line(running: Running) -> None:
    command = [str(BIN / "receiptflow"), "show", "no-such-receipt", "--data", str(running.settings.data_dir)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    assert answer.returncode == 1
    assert answer.stderr.startswith("receiptflow: ") and "Traceback" not in answer.stderr


def test_blocks_register_from_anywhere(running: Running, tmp_path: Path) -> None:
    command = [str(BIN / "prefect"), "block", "register", "-m", "blocks"]
    done = subprocess.run(
        command, cwd=tmp_path, env=running.env, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("Expense Database", "OCR Engine", "Receipt Pipeline"):
        assert name in done.stdout
