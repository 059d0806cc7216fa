"""Networks of ONNX files on one thread, by the library that takes the least CPU on this processor.

OpenVINO where the processor computes with 16-bit floats, which halves its CPU; elsewhere onnxruntime, which takes as
much CPU as OpenVINO with 32 bits or less, but neither memory nor preparation for each size (docs/decisions.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats32 = NDArray[np.float32]

# What OpenVINO computes 16-bit floats with, as Linux names it: on x86-64 and on Arm.
_16_BIT_UNITS = frozenset({"avx512_fp16", "asimdhp"})
_PROCESSOR = Path("/proc/cpuinfo")


class Network(Protocol):
    """A network that is ready to run.

    Attributes:
        metadata: the file's own texts by their names.
    """

    metadata: Mapping[str, str]

    def run(self, values: Floats32) -> Floats32:
        """Return the network's first output; it may be overwritten by the next run."""


class Library(Protocol):
    """What runs networks.

    Attributes:
        version: changes when the same pixels could give other numbers.
        prepares_sizes: every size of input costs memory and preparation of its own, so they should be few.
    """

    version: str
    prepares_sizes: bool

    def load(self, path: Path) -> Network:
        """Return the network of a file."""


def fitting_library() -> Library:
    """Return the library for this processor."""
    return OpenVino() if computes_in_16_bits() else OnnxRuntime()


@cache
def computes_in_16_bits(processor: Path = _PROCESSOR) -> bool:
    """Tell whether the processor, as Linux describes it, has units for 16-bit floats; False where nothing does."""
    try:
        return not _16_BIT_UNITS.isdisjoint(processor.read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return False


class OnnxRuntime:
    """32-bit floats, at any size."""

    prepares_sizes = False

    def __init__(self) -> None:
        self._onnxruntime = _onnxruntime()
        self.version = f"onnxruntime-{installed('onnxruntime')}"

    def load(self, path: Path) -> Network:
        """As `Library`."""
        options = self._onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # processes run side by side instead
        options.enable_mem_pattern = False  # it keeps a plan for each size: 80 MB at the same CPU
        options.add_session_config_entry("session.use_env_allocators", "1")
        options.log_severity_level = 3  # errors
        session = self._onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return _OnnxNetwork(session)


class OpenVino:
    """16-bit floats where the processor computes with them, else 32: 4 of 727 lines differed.

    bfloat16 changed 13, so it is not used.
    """

    prepares_sizes = True

    def __init__(self) -> None:
        openvino: Any = import_module("openvino")
        self._core = openvino.Core()
        self._precision = "f16" if "FP16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
        self.version = f"openvino-{openvino.__version__.split('-')[0]}-{self._precision}"

    def load(self, path: Path) -> Network:
        """As `Library`."""
        model = self._core.read_model(path)
        settings = {
            "INFERENCE_PRECISION_HINT": self._precision,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": 1,  # two threads an image double the CPU for nothing; run processes side by side
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # or processes side by side would all sit on the first core
        }
        return _OpenVinoNetwork(model, self._core.compile_model(model, "CPU", settings).create_infer_request())


@cache
def _onnxruntime() -> Any:
    """Return the module, with one memory for all networks of the process, which run by turns: 50 MB less."""
    module: Any = import_module("onnxruntime")
    memory = module.OrtMemoryInfo("Cpu", module.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, module.OrtMemType.DEFAULT)
    module.create_and_register_allocator(memory, None)
    return module


class _OnnxNetwork:
    def __init__(self, session: Any) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        self.metadata: Mapping[str, str] = dict(session.get_modelmeta().custom_metadata_map)

    def run(self, values: Floats32) -> Floats32:
        output: Floats32 = self._session.run(None, {self._input: values})[0]
        return output


class _OpenVinoNetwork:
    def __init__(self, model: Any, request: Any) -> None:
        self._request = request
        self.metadata: Mapping[str, str] = {}
        if model.has_rt_info("framework"):
            names = model.get_rt_info()["framework"]
            self.metadata = {name: model.get_rt_info(["framework", name]).value for name in names}

    def run(self, values: Floats32) -> Floats32:
        self._request.infer([values])
        output: Floats32 = self._request.get_output_tensor().data
        return output
