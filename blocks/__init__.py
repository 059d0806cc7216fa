"""What a flow is configured with: Prefect block classes. `prefect block register -m blocks` registers them."""

from blocks.actual_server import ActualServer
from blocks.expense_database import ExpenseDatabase
from blocks.firefly_server import FireflyServer
from blocks.llm_parser import LlmParser
from blocks.mailbox import Mailbox
from blocks.ocr_engine import OcrEngine
from blocks.receipt_pipeline import ReceiptPipeline
from blocks.retention_policy import RetentionPolicy

__all__ = [
    "ActualServer",
    "ExpenseDatabase",
    "FireflyServer",
    "LlmParser",
    "Mailbox",
    "OcrEngine",
    "ReceiptPipeline",
    "RetentionPolicy",
]
