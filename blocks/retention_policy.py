"""The block that says how long history is kept."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field

_FOR_EVER = "0 keeps it for ever."


class RetentionPolicy(Block):
    """How long the history of receipts is kept. Originals, expenses and corrections are kept whatever is set here."""

    _block_type_name = "Retention Policy"
    _block_type_slug = "retention-policy"
    _logo_url = None
    _description = "Days after which `prune-history` removes runs, notifications, upload names and results."

    flow_runs_days: int = Field(
        default=90, ge=0, description=f"Ended flow runs in Prefect, with their logs and artifacts. {_FOR_EVER}"
    )
    notifications_days: int = Field(
        default=90, ge=0, description=f"Sent notifications and webhook deliveries. {_FOR_EVER}"
    )
    uploads_days: int = Field(
        default=30, ge=0, description=f"Idempotency keys and ids of uploads that have become receipts. {_FOR_EVER}"
    )
    results_days: int = Field(
        default=30, ge=0, description=f"Results of engine and parser versions that a newer one replaced. {_FOR_EVER}"
    )
    duplicates_days: int = Field(
        default=0,
        ge=0,
        description="Overwritten versions in the inbox whose content another receipt keeps. Off by default, since "
        f"tax law may ask for what was handed in. {_FOR_EVER}",
    )
    audit_days: int = Field(
        default=0,
        ge=0,
        description="The history of receipts that were deleted. Off by default, since it proves the deletion. "
        f"{_FOR_EVER}",
    )
    legal_hold: list[str] = Field(
        default_factory=list, description="Owners of whom nothing is removed, whatever its age."
    )
