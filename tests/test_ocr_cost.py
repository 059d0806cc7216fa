"""The cost of another commit is measured with that commit's code, whatever its layout was."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ocr_cost import HERE, OTHER, code_of, hide_16_bit_units, serve

THEN = """
class NoTextError(Exception):
    pass

class Reader:
    def __init__(self, engine):
        assert engine == "auto"

    def extract(self, data):
        if data == b"blank":
            raise NoTextError
        print(data.decode(), file=open({log!r}, "a"))
"""


@pytest.mark.parametrize("module", ["flows/reading.py", "flows/reading/reader.py"])
def test_the_other_codes_reader_is_asked(tmp_path: Path, module: str) -> None:
    file = tmp_path / "code" / module
    file.parent.mkdir(parents=True)
    for folder in (tmp_path / "code" / "flows", file.parent):
        (folder / "__init__.py").touch()
    file.write_text(THEN.format(log=str(tmp_path / "log")), encoding="utf-8")
    context = multiprocessing.get_context("spawn")
    pipe, end = context.Pipe()
    process = context.Process(target=serve, args=(OTHER, end, str(tmp_path / "code")), daemon=True)
    process.start()
    end.close()  # or the end of a dead process would be waited for
    for data in (b"one", b"two", b"blank"):
        pipe.send_bytes(data)
        answer = pipe.recv()
    pipe.send_bytes(b"")
    process.join(timeout=60)
    assert process.exitcode == 0 and answer[1] > 0
    assert (tmp_path / "log").read_text().split() == ["one", "two"]


def test_a_folder_is_taken_as_it_is_and_a_commit_is_unpacked(tmp_path: Path) -> None:
    assert code_of(str(tmp_path), tmp_path) == tmp_path
    assert (code_of("HEAD", tmp_path) / "benchmarks" / "ocr_cost.py").is_file()
    assert (HERE / "benchmarks" / "ocr_cost.py").is_file()


def choose(pipe: Connection) -> None:
    """In a process of its own: what OpenVINO and this commit's code say on a processor with 16-bit units, hidden."""
    import openvino  # noqa: PLC0415 - only here

    from flows.reading.ocr import inference  # noqa: PLC0415 - only here

    ask: Any = openvino.Core.get_property
    openvino.Core.get_property = lambda core, *asked: ["FP32", "FP16"] if len(asked) == 2 else ask(core, *asked)
    vars(inference)["computes_in_16_bits"] = lambda: True
    had = type(inference.fitting_library()).__name__
    hide_16_bit_units()
    units = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    pipe.send((had, units, type(inference.fitting_library()).__name__))


def test_units_for_16_bits_are_hidden_from_any_commits_code() -> None:
    context = multiprocessing.get_context("spawn")
    pipe, end = context.Pipe()
    process = context.Process(target=choose, args=(end,), daemon=True)
    process.start()
    end.close()
    assert pipe.recv() == ("OpenVino", ["FP32"], "OnnxRuntime")
    process.join(timeout=60)
