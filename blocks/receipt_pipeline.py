"""The block that holds a pipeline together: one load gives a flow everything it is configured with."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field

from blocks.expense_database import ExpenseDatabase
from blocks.ocr_engine import OcrEngine
from flows.domain.pages import PUBLIC_ADDRESS


class ReceiptPipeline(Block):
    """Everything the flows of receiptflow are configured with."""

    _block_type_name = "Receipt Pipeline"
    _block_type_slug = "receipt-pipeline"
    _logo_url = None
    _description = "Buckets, database, OCR, language model and notification of one receiptflow pipeline."

    # By name, not nested: Prefect 3.8.8's server answers 500 to a block that nests one whose own field is a union of
    # blocks, as S3Bucket's credentials are.
    inbox: str = Field(
        default="inbox",
        description="Name of the S3 Bucket block that receipts are put into. Originals stay there.",
    )
    results: str = Field(
        default="results", description="Name of the S3 Bucket block for steps' results; must not be the inbox."
    )
    database: ExpenseDatabase = Field(description="Where expenses are recorded.")
    ocr: OcrEngine = Field(default_factory=OcrEngine, description="How receipts are read.")
    llm: str | None = Field(
        default=None,
        description="Name of an LLM Parser block, whose model then reads fields beside the built-in parser. "
        "Without one, no model is called.",
    )
    notification: str | None = Field(
        default=None,
        description="Notification block that notifies owners, as type/name, for example slack-webhook/finance. "
        "Without one, notifications are recorded and logged only.",
    )
    public_url: str = Field(
        default="",
        pattern=PUBLIC_ADDRESS,
        description="Address under which people reach the pages, without /app, for example https://receipts.example. "
        "Notifications and runs link there; empty: they link nowhere. `provision` sets it from RECEIPTFLOW_PUBLIC_URL.",
    )
