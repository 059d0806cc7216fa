"""Hold buckets, ledger and Prefect's runs against each other, and put right what can be put right."""

from flows.reconciliation.discrepancy import Counts, Discrepancy, Kind
from flows.reconciliation.reconcile import find_discrepancies
from flows.reconciliation.repair import Repairer, open_repairer

__all__ = ["Counts", "Discrepancy", "Kind", "Repairer", "find_discrepancies", "open_repairer"]
