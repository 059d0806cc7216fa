"""What the gateway counts while it answers, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class RequestMetrics:
    """What this process counts while it answers."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.seconds = Histogram(
            "receiptflow_request_seconds",
            "Seconds until a request was answered.",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.received = Counter(
            "receiptflow_received", "Files and objects received, by source.", ("source",), registry=self.registry
        )
        self.skipped = Counter(
            "receiptflow_skipped",
            "Files of operating systems, such as .DS_Store, that were skipped.",
            ("source",),
            registry=self.registry,
        )
