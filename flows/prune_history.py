"""The flow `prune-history`: removes history whose retention is over, or says what it would remove.

Order: Prefect's runs, the ledger's notifications, uploads and audit of deleted receipts, replaced results, overwritten
versions; then an artifact with what went. Retentions come from the block `retention-policy/default`; originals,
expenses and corrections are never removed. Needs the block `receipt-pipeline/default`.
"""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Completed

from blocks import RetentionPolicy
from flows.pipeline.configuration import load_pipeline
from flows.pruning import Pruned, prune

POLICY_BLOCK = "default"


@flow(name="prune-history", persist_result=False)
async def prune_history(dry_run: bool = False) -> State[Any]:
    """Remove history whose retention is over.

    Args:
        dry_run: Only say what would be removed.
    """
    policy = await load_policy()
    async with get_client() as client:
        pruned = await prune(await load_pipeline(), client, policy, dry_run=dry_run)
    await acreate_markdown_artifact(
        key="prune-history", markdown=_markdown(pruned, policy, dry_run), description=in_words(pruned, dry_run)
    )
    return Completed(message=in_words(pruned, dry_run))


async def load_policy() -> RetentionPolicy:
    """The block `retention-policy/default`, or its defaults where nobody has made one."""
    try:
        policy: RetentionPolicy = await RetentionPolicy.aload(POLICY_BLOCK)
    except ValueError:
        return RetentionPolicy()
    return policy


def in_words(pruned: Pruned, dry_run: bool) -> str:
    """One sentence for people."""
    counts = ", ".join(f"{count} {kind}" for kind, count in pruned.items()) or "nothing"
    return f"{'Would remove' if dry_run else 'Removed'} {counts}"


def _markdown(pruned: Pruned, policy: RetentionPolicy, dry_run: bool) -> str:
    rows = [f"| {kind} | {count} |" for kind, count in pruned.items()]
    held = f"\nLegal hold: {', '.join(policy.legal_hold)}.\n" if policy.legal_hold else ""
    head = "# Would be removed" if dry_run else "# Removed"
    return "\n".join([head, "", "| what | how many |", "|---|---|", *rows, held])
