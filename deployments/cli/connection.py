"""How a command of the command line reaches the running pipeline: an embedded stack's data folder, or the environment.

A stack writes its addresses into its data folder; where there is none, the caller's own PREFECT_API_URL is used, as
with any Prefect command.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from flows.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from flows.pipeline.configuration import Pipeline

STACK_FILE = "stack.json"


def use_stack(data: Path) -> bool:
    """Put a stack's environment into this process, before Prefect is imported. Returns whether there is a stack."""
    file = data / STACK_FILE
    if not file.exists():
        return False
    os.environ.update(json.loads(file.read_text())["environment"])
    return True


async def connect(data: Path) -> Pipeline:
    """The pipeline of the stack in `data`, or of the PREFECT_API_URL of the environment.

    Raises:
        ConfigurationError: neither is there, or the server does not answer.
    """
    if not use_stack(data) and not os.environ.get("PREFECT_API_URL"):
        raise ConfigurationError(
            f"No running stack in {data}: start one with `receiptflow up`, name its folder with --data, or set "
            "PREFECT_API_URL to your Prefect server."
        )
    import httpx  # noqa: PLC0415  # after use_stack: Prefect reads its settings when it is imported

    from flows.pipeline.configuration import load_pipeline  # noqa: PLC0415

    try:
        return await load_pipeline()
    except httpx.TransportError as error:
        address = os.environ.get("PREFECT_API_URL", "")
        raise ConfigurationError(
            f"Prefect's server at {address} does not answer: is `receiptflow up` running?"
        ) from error
