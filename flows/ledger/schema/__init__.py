"""The ledger's tables and the enumerations of their columns."""

from flows.ledger.schema.states import (
    FINAL_STATES,
    OBJECT_GONE_CODES,
    WEBHOOK_PREFIX,
    DeliveryState,
    NotificationKind,
    Source,
    State,
)
from flows.ledger.schema.tables import (
    ApiKey,
    Content,
    Expense,
    ExpenseLine,
    ExpenseTax,
    ExtractionRow,
    Notification,
    Receipt,
    StateChange,
    Table,
    Webhook,
)
from flows.ledger.schema.upload_tables import Upload

__all__ = [
    "FINAL_STATES",
    "OBJECT_GONE_CODES",
    "WEBHOOK_PREFIX",
    "ApiKey",
    "Content",
    "DeliveryState",
    "Expense",
    "ExpenseLine",
    "ExpenseTax",
    "ExtractionRow",
    "Notification",
    "NotificationKind",
    "Receipt",
    "Source",
    "State",
    "StateChange",
    "Table",
    "Upload",
    "Webhook",
]
