"""The embedded stack: PostgreSQL, SeaweedFS and Prefect's server as supervised child processes on 127.0.0.1."""

from deployments.stack.environment import find_stack, shell_environment
from deployments.stack.errors import StackError
from deployments.stack.service import Check, HttpCheck, Service
from deployments.stack.stack import Stack

__all__ = ["Check", "HttpCheck", "Service", "Stack", "StackError", "find_stack", "shell_environment"]
