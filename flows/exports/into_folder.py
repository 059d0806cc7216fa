"""An export into a folder, as the command and the flow do it: whole files in one step each, pictures beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flows.exports.comparison import Exported
from flows.exports.pictures import OpenOriginal, listed_pictures, write_pictures
from flows.exports.run import confirm, export
from flows.exports.staging import publish, staging
from flows.ledger.database import Ledger
from flows.ledger.exports import Period


@dataclass(frozen=True, slots=True)
class Options:
    """What of an owner's expenses is exported, and how."""

    period: Period = field(default_factory=Period)
    since_last: bool = False
    leave_out: bool = False


def export_into(ledger: Ledger, owner: str, target: str, folder: Path, options: Options) -> Iterator[Exported]:
    """Export, and before it what an export of before had noted and not got written.

    Raises:
        ReceiptflowError: As `export`.
    """
    while True:
        with staging(folder) as output:
            made = export(
                ledger,
                owner,
                target,
                output,
                period=options.period,
                since_last=options.since_last,
                leave_out=options.leave_out,
            )
            suffixes = {Path(name).suffix for name in made.files} if options.period.is_open else ()
            publish(output, folder, stale=[f"receiptflow-*{suffix}" for suffix in suffixes])
        confirm(ledger, made, owner)
        yield made
        if not made.is_repeat:
            return


def pictures_into(
    ledger: Ledger, owner: str, folder: Path, period: Period, open_original: OpenOriginal
) -> tuple[int, list[str]]:
    """Put the pictures of a period's expenses beside the files that name them; how many came, and which are gone."""
    with listed_pictures(ledger, owner, period) as pictures:
        return write_pictures(pictures, open_original, folder)
