"""Compare buckets, ledger and Prefect's runs with each other, and repair what can be repaired."""

from flows.reconciliation.discrepancy import Counts, Discrepancy, Kind
from flows.reconciliation.merging import sorted_on_disk
from flows.reconciliation.reconcile import find_discrepancies
from flows.reconciliation.repair import Repairer, open_repairer

__all__ = ["Counts", "Discrepancy", "Kind", "Repairer", "find_discrepancies", "open_repairer", "sorted_on_disk"]
