"""The gateway holds what it uses: no OCR, no engine of flows, which together are half of its memory."""

from __future__ import annotations

import subprocess
import sys

_HEAVY = ("cv2", "numpy", "onnxruntime", "openvino", "prefect.flows", "prefect_aws", "flows.reading.reader")


def test_the_gateway_imports_neither_ocr_nor_flows() -> None:
    program = f"import deployments.gateway.app, sys; print(*(name for name in {_HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
