"""The gateway: the HTTP API through which receipts come in and expenses go out."""

from deployments.gateway.app import create_app

__all__ = ["create_app"]
