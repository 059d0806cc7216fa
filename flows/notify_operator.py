"""The flow `notify-operator`: one message through the pipeline's notification block, to whoever runs receiptflow.

The automation "receiptflow: failed and quarantined runs" runs it; others may. Needs the block
`receipt-pipeline/default` with a notification block named in it.
"""

from __future__ import annotations

from uuid import UUID

from prefect import flow
from prefect.utilities.urls import url_for

from flows.domain.errors import ConfigurationError
from flows.notifications import Message, send
from flows.pipeline.configuration import PIPELINE_BLOCK, load_pipeline


@flow(name="notify-operator", retries=5, retry_delay_seconds=20, persist_result=False)
async def notify_operator(subject: str, body: str = "", flow_run_id: str = "") -> None:
    """Send one message to whoever runs receiptflow, where the pipeline's notifications go.

    Args:
        subject: What happened, in one line.
        body: The message. Empty: the subject alone.
        flow_run_id: Id of the flow run that it is about, whose page is linked to. Empty: none.
    """
    pipeline = await load_pipeline()
    if pipeline.notification is None:
        raise ConfigurationError(
            f"Nobody is named to notify: set `notification` in the block receipt-pipeline/{PIPELINE_BLOCK} to a "
            "notification block, for example slack-webhook/books."
        )
    link = url_for("flow-run", UUID(flow_run_id)) if flow_run_id else None
    await send(pipeline.notification, Message(subject, "\n".join(filter(None, (body or subject, link)))))
