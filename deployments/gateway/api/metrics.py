"""The route of Prometheus metrics: what was counted, and how ledger and Prefect stand at this moment."""

from __future__ import annotations

import asyncio
import statistics

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from deployments.disk import Disk, disk_of
from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.auth import Operator
from deployments.gateway.http.problems import RESPONSES
from flows.ledger.receipts import Gauges, gauges

router = APIRouter(tags=["operations"], responses=RESPONSES)


@router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
async def get_metrics(_caller: Operator, context: Context) -> Response:
    """In Prometheus's text format. Needs a key with scope `operator`, as a bearer token: they tell of all owners."""
    standing, steps = await asyncio.gather(asyncio.to_thread(_read, context), context.orchestrator.step_seconds())
    registry = CollectorRegistry()
    _ledger_gauges(registry, standing)
    _step_gauges(registry, steps)
    _submission_gauges(registry, context)
    _service_gauges(registry, context)
    if context.settings.data_dir is not None:
        _disk_gauges(registry, disk_of(context.settings.data_dir), context.settings.disk_warning_fraction)
    text = generate_latest(context.metrics.registry) + generate_latest(registry)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def _read(context: GatewayContext) -> Gauges:
    with context.ledger.session() as session:
        return gauges(session=session)


def _ledger_gauges(registry: CollectorRegistry, standing: Gauges) -> None:
    states = Gauge("receiptflow_receipts", "Receipts by state.", ("state",), registry=registry)
    for state, count in standing.states.items():
        states.labels(state.value).set(count)
    reviews = Gauge("receiptflow_reviews", "Receipts in review by reason.", ("reason",), registry=registry)
    for reason, count in standing.reviews.items():
        reviews.labels(reason).set(count)
    for name, text, value in (
        ("receiptflow_queue_age_seconds", "Age of the oldest waiting receipt.", standing.oldest_waiting_seconds),
        ("receiptflow_retried_receipts", "Receipts that took more than one attempt.", standing.retried),
        ("receiptflow_notifications_unsent", "Notifications and webhook deliveries to be sent.", standing.unsent),
    ):
        Gauge(name, text, registry=registry).set(value)


def _submission_gauges(registry: CollectorRegistry, context: GatewayContext) -> None:
    submissions = context.submissions
    for name, text, value in (
        ("receiptflow_submissions_waiting", "Receipts in line for Prefect.", submissions.waiting),
        ("receiptflow_submissions_left_to_sweep", "Receipts given up here, for the sweep.", submissions.left_to_sweep),
        ("receiptflow_prefect_connected", "1 if Prefect answers and has the deployment.", submissions.connected),
    ):
        Gauge(name, text, registry=registry).set(value)


def _service_gauges(registry: CollectorRegistry, context: GatewayContext) -> None:
    healthy = Gauge("receiptflow_service_healthy", "0 if it failed lately.", ("service",), registry=registry)
    failures = Gauge(
        "receiptflow_service_failures", "Unforeseen ends since the start.", ("service",), registry=registry
    )
    for name, state in context.services.states.items():
        healthy.labels(name).set(state.healthy)
        failures.labels(name).set(state.failures)


def _disk_gauges(registry: CollectorRegistry, disk: Disk, warning_fraction: float) -> None:
    for name, text, value in (
        ("receiptflow_disk_free_bytes", "Free on the disk of the data folder.", disk.free_bytes),
        ("receiptflow_disk_total_bytes", "Size of the disk of the data folder.", disk.total_bytes),
        ("receiptflow_disk_low", "1 where less than the warning's fraction is free.", disk.is_low(warning_fraction)),
    ):
        Gauge(name, text, registry=registry).set(value)


def _step_gauges(registry: CollectorRegistry, steps: dict[str, list[float]]) -> None:
    gauge = Gauge(
        "receiptflow_step_seconds", "Seconds of each step's last runs.", ("step", "quantile"), registry=registry
    )
    for step, seconds in steps.items():
        gauge.labels(step, "0.5").set(statistics.median(seconds))
        gauge.labels(step, "0.95").set(sorted(seconds)[int(0.95 * (len(seconds) - 1))])
