"""Writes docs/settings.md: every setting with its default and where it is set, from the classes that read them.

`make settings` writes the page; a test fails where it differs from the classes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from prefect.blocks.core import Block
from prefect.types import SecretDict
from prefect.workers.base import BaseVariables
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

import blocks
from deployments.settings import GatewaySettings
from deployments.stack.settings import StackSettings
from deployments.warm_worker.configuration import WarmVariables
from flows.deliver_webhooks import WebhookSettings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
_UNITS = {
    **{"seconds": "s", "minutes": "min", "hours": "h", "days": "days", "months": "months", "years": "years"},
    **{"bytes": "bytes", "mb": "MB", "gb": "GB", "pixels": "pixels", "dpi": "dpi", "percent": "%"},
    "rate": "count/period",
}
_HEAD = """# Settings

Written by `make settings` from the classes that read them. Where no unit is named, sizes are bytes and times seconds. A
variable is read when its program starts; a block's field holds within
30 seconds, without a restart.
"""
_SETTINGS: dict[type[BaseSettings], str] = {
    StackSettings: "The embedded stack: environment variables, or options of `receiptflow up`",
    GatewaySettings: "The gateway: environment variables. The embedded stack sets those that it knows by itself",
    WebhookSettings: "Webhooks' flow: environment variables of the worker",
}
_TAIL = """
## Set elsewhere

| name | default | what | where |
|---|---|---|---|
| `PREFECT_API_URL`, `PREFECT_API_AUTH_STRING` | the stack's | Prefect's server, for every command and part | environment |
| `DATA`, `PORT`, `RECEIPTS`, `ONCE` | `.receiptflow`, `4200`, , | data folder, first port, folder of receipts, stop at the end | `make run NAME=…` |
| home currency, first month of the year | none, January | what an owner's sums and rates are in, where an accounting year begins | page *Settings*, of an owner |
| language, time zone | the browser's | what pages are shown in | page of a person, by their name |
| schedules, concurrency limits, parameters | `deployments/provisioning/prefect.yaml` | when which flow runs | Prefect's UI, deployment |
| priorities and limits of the queues | `housekeeping` 1, `fresh` 2, `backlog` 10 | what goes first | Prefect's UI, work pool `receipts` |
"""  # noqa: E501  # rows of a table


def page() -> str:
    """The page in Markdown."""
    parts = [_HEAD]
    for settings, title in _SETTINGS.items():
        prefix = str(settings.model_config.get("env_prefix", ""))
        parts.append(_section(title, settings, lambda name, prefix=prefix: f"{prefix}{name.upper()}"))  # type: ignore[misc]
    for name in blocks.__all__:
        block: type[Block] = getattr(blocks, name)
        title = f"Block {block.get_block_type_slug()}: in Prefect's UI, *Blocks*"
        parts.append(_section(title, block, lambda field: field))
    parts.append(_section("Work pool `receipts`: in Prefect's UI, or a deployment's job variables", WarmVariables, str))
    return "\n".join(parts) + _TAIL


def _section(title: str, model: type[BaseModel], shown: Callable[[str], str]) -> str:
    rows = "\n".join(_rows(model, shown))
    return f"## {title}\n\n| name | default | unit | what |\n|---|---|---|---|\n{rows}\n"


def _rows(model: type[BaseModel], shown: Callable[[str], str]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if name in Block.model_fields or name in BaseVariables.model_fields:
            continue
        what = " ".join((field.description or "").split()).replace("|", "\\|")
        yield f"| `{shown(name)}` | {_default(field)} | {_unit(name)} | {what} |"


def _unit(name: str) -> str:
    """What a number is counted in: names end in it."""
    return next((unit for word, unit in _UNITS.items() if word in name.split("_")), "")


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return "must be set"
    if isinstance(value, SecretStr | SecretDict) or value in (None, "", [], {}, ()):
        return "none"
    if isinstance(value, BaseModel):
        return "its own"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    return f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE.name} written\n")
