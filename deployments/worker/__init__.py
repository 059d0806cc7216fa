"""The warm worker: a Prefect worker type whose flow runs execute in warm processes and resume when these die."""

from deployments.worker.worker import WarmWorker

__all__ = ["WarmWorker"]
