"""Bucket events: what object stores announce becomes receipts at once. Announcements are hints, the sweep is truth."""

from deployments.ingest.bucket_events.messages import MalformedEventError, ObjectCreated, read_events
from deployments.ingest.bucket_events.reception import EventReceiver

__all__ = ["EventReceiver", "MalformedEventError", "ObjectCreated", "read_events"]
