"""The gateway holds what it uses: no OCR, no engine of flows, which together are half of its memory. What listens while
it starts needs none of what it works with.
"""

from __future__ import annotations

import subprocess
import sys

_HEAVY = ("cv2", "numpy", "onnxruntime", "openvino", "prefect.flows", "prefect_aws", "flows.reading.reader")

_LATER = (
    "fastapi",
    "sqlalchemy",
    "alembic",
    "boto3",
    "prefect",
    "deployments.gateway.app",
    "deployments.gateway.context",
)


def _imported_of(names: tuple[str, ...], module: str) -> list[str]:
    program = f"import {module}, sys; print(*(name for name in {names} if name in sys.modules))"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()


def test_the_gateway_imports_neither_ocr_nor_flows() -> None:
    assert _imported_of(_HEAVY, "deployments.gateway.app") == []


def test_it_listens_before_it_imports_what_it_works_with() -> None:
    assert _imported_of(_LATER, "deployments.gateway.__main__") == []


def test_the_supervisor_imports_nothing_that_reads_pictures_and_nothing_of_prefect() -> None:
    stack = "deployments.cli.app, deployments.stack, deployments.stack.app_services, deployments.stack.provisioning"
    heavy = (*_HEAVY, "PIL", "pypdfium2", "prefect", "sqlalchemy", "boto3")
    assert _imported_of(heavy, f"{stack}, deployments.stack.gateway_service") == []
