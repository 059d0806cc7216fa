"""Bucket events: what a store reports becomes a receipt at once. Events are hints; the sweep finds the rest."""

from deployments.ingest.bucket_events.messages import MalformedEventError, ObjectCreated, read_events
from deployments.ingest.bucket_events.reception import EventReceiver

__all__ = ["EventReceiver", "MalformedEventError", "ObjectCreated", "read_events"]
