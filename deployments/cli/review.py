"""The command `review`: the queue in a terminal, one receipt after the other, with the doubtful part of its picture."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli.common import DEFAULT_DATA, Data, console, print_table
from deployments.cli.connection import connect
from deployments.cli.decisions import decide_now, fields_of, print_decided
from deployments.cli.terminal_pictures import show_picture

if TYPE_CHECKING:
    from uuid import UUID

    from PIL.Image import Image

    from flows.ledger.decisions import Decided, Decision, FieldView, ReviewItem
    from flows.pipeline.configuration import Pipeline

_HELP = (
    "Enter books it as it stands; FIELD=VALUE; FIELD=VALUE corrects and books; a number takes that candidate and "
    "books; k keeps both, also k FIELD=VALUE; total=7.50 | total=5 splits it; d dismisses; s skips; u undoes the last "
    "decision; q ends."
)
_SHOWN = ("merchant", "purchase_date", "purchase_time", "total", "currency", "tax", "tip", "receipt_number")
_SURE = 0.9
_DISMISSALS = {"r": "not_a_receipt", "m": "not_mine", "c": "duplicate_of"}
# Around a field's box, as a share of the page: the line before and after it tell what it is.
_MARGIN, _WIDER = 0.03, 8


class EndedError(Exception):
    """The person has had enough."""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(review)


def review(
    owner: Annotated[str | None, typer.Option(help="Only this owner's.")] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Decide on what waits for you, one receipt after the other."""
    pipeline = asyncio.run(connect(data))
    try:
        Walk(pipeline, owner).walk()
    except (EndedError, EOFError, KeyboardInterrupt):
        console.print("What is left waits.")


class Walk:
    """One person's way through the queue."""

    def __init__(self, pipeline: Pipeline, owner: str | None) -> None:
        self._pipeline, self._owner = pipeline, owner
        self._last: UUID | None = None

    def walk(self) -> None:
        """Ask about each receipt in the queue once, the one received first at the front."""
        from flows.ledger.decisions import review_queue  # noqa: PLC0415

        console.print(_HELP)
        after: str | None = None
        while True:
            with self._pipeline.ledger.session() as session:
                page = review_queue(owner=self._owner, after=after, session=session)
            for queued in page:
                self._ask_about(queued.id)
            if (after := page.next) is None:
                console.print("Nothing waits for you.")
                return

    def _ask_about(self, receipt_id: UUID) -> None:
        from flows.domain.errors import ReceiptflowError  # noqa: PLC0415
        from flows.ledger.decisions import review_item  # noqa: PLC0415

        while True:
            with self._pipeline.ledger.session() as session:
                item = review_item(receipt_id, session=session)
            if item.receipt.state.value != "review":
                return
            choices = self._show(item)
            try:
                if self._answer(item, choices, input("> ").strip()):
                    return
            except (ReceiptflowError, typer.BadParameter) as error:
                console.print(f"[red]{error}[/red]", highlight=False)

    def _show(self, item: ReviewItem) -> list[tuple[str, str]]:
        """Show a receipt; the candidates that a number takes."""
        console.rule(item.receipt.key)
        for reason in item.reasons:
            console.print(f"• {reason}", markup=False)
        fields = [field for field in item.fields if field.name in _SHOWN]
        choices = [(field.name, str(one["value"])) for field in fields for one in _others(field)]
        numbers = {choice: number for number, choice in enumerate(choices, start=1)}
        print_table(
            "",
            ("field", "value", "sure", "or"),
            (
                (
                    field.name,
                    field.value,
                    "" if field.confidence is None else f"{field.confidence:.0%}",
                    "  ".join(f"{numbers[field.name, str(o['value'])]}: {o['value']}" for o in _others(field)),
                )
                for field in fields
            ),
        )
        for check in item.checks:
            if check.held is False:
                console.print(f"✗ {check.detail}", markup=False)
        self._show_picture(item)
        return choices

    def _show_picture(self, item: ReviewItem) -> None:
        from PIL.Image import open as open_image  # noqa: PLC0415

        from flows.pipeline.previews import preview_key  # noqa: PLC0415

        doubtful = _doubtful(item)
        if doubtful is None or item.receipt.sha256 is None:
            return
        preview = self._pipeline.results.get(preview_key(item.receipt.sha256))
        words = self._pipeline.results.get(item.words_key) if item.words_key else None
        if preview is None or words is None:
            return
        show_picture(console, _part(open_image(io.BytesIO(preview)), words, doubtful))

    def _answer(self, item: ReviewItem, choices: list[tuple[str, str]], answer: str) -> bool:
        """Do what was answered; returns whether the next receipt comes."""
        if answer == "q":
            raise EndedError
        if answer == "u":
            self._undo()
            return False
        if answer != "s":
            self._decide(item.receipt.id, _decision(item, choices, answer), item)
            self._last = item.receipt.id
        return True

    def _undo(self) -> None:
        from flows.ledger.decisions import Undo  # noqa: PLC0415

        if self._last is None:
            raise typer.BadParameter("You have decided nothing yet.")
        self._decide(self._last, Undo())
        self._last = None

    def _decide(self, receipt_id: UUID, decision: Decision, item: ReviewItem | None = None) -> None:
        from flows.ledger.decisions import decide  # noqa: PLC0415

        seen = item.receipt.updated_at if item else None
        decided: Decided = decide_now(
            self._pipeline, lambda session, actor: decide(receipt_id, decision, actor, seen=seen, session=session)
        )
        print_decided(decided)


def _decision(item: ReviewItem, choices: list[tuple[str, str]], answer: str) -> Decision:
    from flows.ledger.corrections import written_parts  # noqa: PLC0415
    from flows.ledger.decisions import Book, Split  # noqa: PLC0415

    if answer == "d":
        return _dismissal(item)
    keeps_both, answer = answer.split(" ", maxsplit=1)[0] == "k", answer.removeprefix("k ").strip()
    if "|" in answer:
        return Split(written_parts(answer), keep_both=keeps_both)
    if answer in {"", "k"}:
        return Book(keep_both=keeps_both)
    if answer.isdecimal() and 0 < int(answer) <= len(choices):
        return Book(dict([choices[int(answer) - 1]]), keep_both=keeps_both)
    if "=" in answer:
        return Book(fields_of(piece.strip() for piece in answer.split(";") if piece.strip()), keep_both=keeps_both)
    raise typer.BadParameter(_HELP)


def _dismissal(item: ReviewItem) -> Decision:
    from flows.ledger.decisions import Dismiss  # noqa: PLC0415
    from flows.ledger.schema import DismissReason  # noqa: PLC0415

    other = item.same_purchase.id if item.same_purchase else None
    asked = "not a (r)eceipt, not (m)ine" + (f", a (c)opy of {other}" if other else "")
    answer = input(f"{asked}? ").strip()
    reason = _DISMISSALS.get(answer)
    if reason is None or (reason == "duplicate_of" and other is None):
        raise typer.BadParameter(f"answer with one letter: {asked}")
    return Dismiss(DismissReason(reason), other if reason == "duplicate_of" else None)


def _others(field: FieldView) -> list[dict[str, object]]:
    """What else the field may be."""
    return [one for one in field.candidates if str(one["value"]) != str(field.value)]


def _doubtful(item: ReviewItem) -> FieldView | None:
    """The field of page 1 that is least sure, and has a box."""
    boxed = [one for one in item.fields if one.bbox and one.page == 1 and one.confidence is not None]
    return min(boxed, key=lambda one: one.confidence or 0.0, default=None)


def _part(preview: Image, words: bytes, field: FieldView) -> Image:
    """The field's part of the page, with a little around it."""
    from flows.domain.fields import DocumentText  # noqa: PLC0415

    page = DocumentText.model_validate_json(words).pages[0]
    across, down = preview.width / page.width, preview.height / page.height
    box, margin = field.bbox or (0, 0, page.width, page.height), _MARGIN * page.height
    left, right = max(0.0, box[0] - _WIDER * margin), min(float(page.width), box[2] + _WIDER * margin)
    top, bottom = max(0.0, box[1] - margin), min(float(page.height), box[3] + margin)
    return preview.crop((round(left * across), round(top * down), round(right * across), round(bottom * down)))
