"""The flow `deliver-webhooks`: deliver what the outbox holds for owners' webhooks.

The gateway delivers within a second; this flow does the same on a schedule, so that deliveries do not depend on
the gateway. Both claim before they send. Needs the block `receipt-pipeline/default`.
"""

from __future__ import annotations

from prefect import flow, get_run_logger
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows.pipeline.configuration import load_pipeline
from flows.pipeline.webhook_delivery import deliver_due


class WebhookSettings(BaseSettings):
    """Where webhooks may lead, from `RECEIPTFLOW_WEBHOOKS_…`; the same for the gateway and the flow."""

    model_config = SettingsConfigDict(env_prefix="RECEIPTFLOW_WEBHOOKS_", frozen=True, extra="ignore")

    allow_private: bool = Field(
        default=False, description="Let webhooks call private and loopback addresses. For tests and closed networks."
    )


@flow(name="deliver-webhooks", persist_result=False)
async def deliver_webhooks() -> int:
    """Deliver what is due. Returns how many deliveries were tried."""
    pipeline = await load_pipeline()
    tried = 0
    allow_private, public_url = WebhookSettings().allow_private, pipeline.public_url
    while batch := await deliver_due(pipeline.ledger, allow_private=allow_private, public_url=public_url):
        tried += batch
    get_run_logger().info("%d deliveries tried", tried)
    return tried
