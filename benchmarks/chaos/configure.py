"""The blocks of a chaos run: Tesseract reads, which costs half a CPU-second a receipt, and the outside is notified."""

from __future__ import annotations

from typing import Any


async def configure(url: str) -> None:
    """Set the installed blocks so; notifications go to `url`."""
    from prefect.blocks.notifications import CustomWebhookNotificationBlock  # noqa: PLC0415 - imports after the stack is up

    from blocks import OcrEngine, ReceiptPipeline  # noqa: PLC0415

    template = {"subject": "{{subject}}", "body": "{{body}}"}
    await CustomWebhookNotificationBlock(name="chaos", url=url, json_data=template).asave("chaos", overwrite=True)
    reading: Any = await OcrEngine.aload("reading")
    reading.engine = "tesseract"
    await reading.asave("reading", overwrite=True)
    pipeline: Any = await ReceiptPipeline.aload("default")
    pipeline.notification = "custom-webhook/chaos"
    await pipeline.asave("default", overwrite=True)
