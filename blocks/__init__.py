"""What a flow is configured with: Prefect block classes. `prefect block register -m blocks` registers them."""

from blocks.expense_database import ExpenseDatabase
from blocks.llm_parser import LlmParser
from blocks.mailbox import Mailbox
from blocks.ocr_engine import OcrEngine
from blocks.receipt_pipeline import ReceiptPipeline
from blocks.retention_policy import RetentionPolicy

__all__ = ["ExpenseDatabase", "LlmParser", "Mailbox", "OcrEngine", "ReceiptPipeline", "RetentionPolicy"]
