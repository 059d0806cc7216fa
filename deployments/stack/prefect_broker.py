"""The message broker of Prefect's server: Prefect's own, in memory, of which each service reads only what it uses.

Prefect hands every event to every service, which parses it before looking at its name, and its persister writes each as
one row and some seven more for the resources that it names. Most events of a run say once more what another table has:
the states of its tasks (written by the recorder from the same events), its artifacts, and that it is alive. These are
not written, and of the others the index is shorter (`prefect_event_index`). Automations and whoever listens to the
stream go on hearing of all events.

`PREFECT_SERVER_EVENTS_MESSAGING_BROKER` names the module; what Prefect looks for in it is its `BrokerModule`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prefect.server.utilities.messaging import Message, MessageHandler, memory
from prefect.server.utilities.messaging.memory import Publisher, break_topic, ephemeral_subscription

from deployments.stack.prefect_event_index import index_runs_themselves

__all__ = ["Consumer", "Publisher", "break_topic", "ephemeral_subscription"]

_TASK_RUN = "prefect.task-run."
_KEPT_ELSEWHERE = (_TASK_RUN, "prefect.artifact.", "prefect.artifact-collection.", "prefect.flow-run.heartbeat")
_PERSISTER = "event-persister"
# By the group that a service of Prefect's names itself; any other reads all.
_WANTED: Mapping[str, Callable[[str], bool]] = {
    _PERSISTER: lambda event: not event.startswith(_KEPT_ELSEWHERE),
    "task-run-recorder": lambda event: event.startswith(_TASK_RUN),
}


class Consumer(memory.Consumer):
    """Prefect's consumer, which passes on to its service what that uses."""

    def __init__(self, topic: str, **kwargs: Any) -> None:
        super().__init__(topic, **kwargs)
        group = str(kwargs.get("group"))
        self._wanted = _WANTED.get(group)
        if group == _PERSISTER:
            index_runs_themselves()

    async def run(self, handler: MessageHandler) -> None:
        """Read until cancelled."""
        await super().run(handler if self._wanted is None else _only(self._wanted, handler))


def _only(wanted: Callable[[str], bool], handler: MessageHandler) -> MessageHandler:
    async def handle(message: Message) -> None:
        if wanted(str(message.attributes.get("event", ""))):
            await handler(message)

    return handle
