"""The ledger's tables and the enumerations of their columns."""

from flows.ledger.schema.category_tables import Category
from flows.ledger.schema.decision_tables import CorrectionRow, DecisionRow, DistinctPurchase
from flows.ledger.schema.export_tables import Export, ExportAccount, ExportItem
from flows.ledger.schema.money_tables import ExchangeRate, OwnerSettings
from flows.ledger.schema.people_tables import Person, PersonSession, SavedFilter, SignInLink
from flows.ledger.schema.rule_tables import ContentIdentity, RuleRow, RuleUse
from flows.ledger.schema.states import (
    FINAL_STATES,
    JOINED,
    OBJECT_GONE_CODES,
    WEBHOOK_PREFIX,
    DecisionKind,
    DeliveryState,
    DismissReason,
    NotificationKind,
    RuleKind,
    Settlement,
    Source,
    State,
    Via,
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
from flows.ledger.schema.text_tables import ContentText
from flows.ledger.schema.upload_tables import Upload

__all__ = [
    "FINAL_STATES",
    "JOINED",
    "OBJECT_GONE_CODES",
    "WEBHOOK_PREFIX",
    "ApiKey",
    "Category",
    "Content",
    "ContentIdentity",
    "ContentText",
    "CorrectionRow",
    "DecisionKind",
    "DecisionRow",
    "DeliveryState",
    "DismissReason",
    "DistinctPurchase",
    "ExchangeRate",
    "Expense",
    "ExpenseLine",
    "ExpenseTax",
    "Export",
    "ExportAccount",
    "ExportItem",
    "ExtractionRow",
    "Notification",
    "NotificationKind",
    "OwnerSettings",
    "Person",
    "PersonSession",
    "Receipt",
    "RuleKind",
    "RuleRow",
    "RuleUse",
    "SavedFilter",
    "Settlement",
    "SignInLink",
    "Source",
    "State",
    "StateChange",
    "Table",
    "Upload",
    "Via",
    "Webhook",
]
