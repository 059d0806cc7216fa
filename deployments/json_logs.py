"""The gateway's log: one JSON object a line, with the receipt and the flow run that it is about."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys

_EXTRA = ("receipt_id", "flow_run_id", "owner", "method", "path", "status", "milliseconds", "delivery_id")


class JsonFormatter(logging.Formatter):
    """Writes a record as JSON; only the named extras, so that no secret slips in."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: getattr(record, name) for name in _EXTRA if hasattr(record, name)},
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up(level: str = "INFO") -> None:
    """Have everything in this process logged as JSON on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "prefect"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
