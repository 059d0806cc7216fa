"""Addresses of the pages that people open, below the address under which an installation is reached. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Scheme, host and perhaps a path, or nothing. No credentials, query or fragment, and no sign that Markdown or HTML
# would read as anything but part of an address.
PUBLIC_ADDRESS = r"^(https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~/-]*)?)?$"
_OF_REVIEW = "receipt.needs_review"


def receipt_page(public_url: str, receipt_id: object) -> str | None:
    """The page of a receipt; None where the public address is not known (empty)."""
    return f"{public_url.rstrip('/')}/app/receipts/{receipt_id}" if public_url else None


def with_page(payload: Mapping[str, Any], public_url: str) -> dict[str, Any]:
    """A notification's payload with the `url` of the page to open; as it is where no page is known.

    Args:
        payload: As the outbox keeps it. What waits for a person leads to the page of its review.
        public_url: Where the pages are; empty if that is not known.
    """
    receipt_id = payload.get("receipt_id")
    if not public_url or not receipt_id:
        return dict(payload)
    if payload.get("kind") == _OF_REVIEW:
        return {**payload, "url": f"{public_url.rstrip('/')}/app/review/{receipt_id}"}
    return {**payload, "url": receipt_page(public_url, receipt_id)}


def flow_run_page(prefect_ui_url: str, flow_run_id: object | None) -> str | None:
    """The page of a flow run in Prefect's UI; None where its address is not known, or there is no run."""
    return f"{prefect_ui_url.rstrip('/')}/runs/flow-run/{flow_run_id}" if prefect_ui_url and flow_run_id else None
