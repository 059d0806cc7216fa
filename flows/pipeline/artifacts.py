"""What a person sees of a run without logs: a summary in Markdown and the receipt with the found fields boxed.

The builders are plain functions; `publish` attaches what they build to the current flow run.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from PIL import Image, ImageDraw, ImageFont
from prefect.artifacts import acreate_image_artifact, acreate_markdown_artifact

from flows.domain.fields import BBox, Found, LineItem, ReceiptFields

_NAMED_FIELDS = (
    "merchant", "purchase_date", "purchase_time", "total", "currency", "subtotal", "tax", "tip", "rounding",
    "receipt_number", "merchant_address", "merchant_phone", "merchant_tax_id", "country",
)  # fmt: skip
_BOX_COLOURS = {"merchant": "#2563eb", "purchase_date": "#9333ea", "total": "#16a34a", "currency": "#ea580c"}
_OTHER_COLOUR = "#6b7280"
# Characters; the UI's cards show about as much.
_TITLE_LENGTH, _HEADLINE_LENGTH = 60, 200


def summary(
    *, key: str, owner: str, outcome: str, message: str, fields: ReceiptFields | None, page: str | None = None
) -> str:
    """The run in Markdown: outcome, fields with confidence and evidence, checks, line items.

    Args:
        key: Of the object.
        owner: Whose receipt it is.
        outcome: In a word.
        message: In a sentence.
        fields: What was read, if anything.
        page: Address of the receipt's page, where it is known.
    """
    lines = [f"# {outcome}: {_escape(key)}", "", f"Owner **{_escape(owner)}** — {_escape(message)}", ""]
    if page:
        lines += [f"[Open the receipt's page](<{page}>)", ""]
    if fields is not None:
        lines += [*_field_table(fields), *_check_list(fields), *_item_table(fields)]
    return "\n".join(lines)


def _field_table(fields: ReceiptFields) -> Iterator[str]:
    yield from ("| field | value | confidence | page | read from |", "|---|---|---|---|---|")
    for name, found in named_fields(fields):
        evidence = _escape(found.evidence)
        yield f"| {name} | {_escape(found.value)} | {found.confidence:.0%} | {found.page or ''} | {evidence} |"
    for found in fields.taxes:
        row = found.value
        yield f"| tax row | {_or(row.rate)} % of {_or(row.net)} = {_or(row.amount)} | {found.confidence:.0%} | | |"
    for found in fields.payments:
        yield f"| payment | {found.value.method} {_or(found.value.amount)} | {found.confidence:.0%} | | |"
    yield ""


def _check_list(fields: ReceiptFields) -> Iterator[str]:
    if fields.checks:
        yield from ("## Checks", "")
        for check in fields.checks:
            mark = {True: "held", False: "FAILED", None: "not made"}[check.held]
            yield f"- {mark}: **{_escape(check.name)}**, {_escape(check.detail)}"
        yield ""


def _item_table(fields: ReceiptFields) -> Iterator[str]:
    if fields.line_items:
        yield from ("## Line items", "", "| description | quantity | unit price | total |", "|---|---|---|---|")
        for item in (found.value for found in fields.line_items):
            yield _item_row(item)
        yield ""


def _item_row(item: LineItem) -> str:
    return f"| {_escape(item.description)} | {_or(item.quantity)} | {_or(item.unit_price)} | {_or(item.total)} |"


def _or(value: Any) -> str:
    return "–" if value is None else str(value)


def _escape(value: Any) -> str:
    """Text from a receipt or a file name, so that it can neither break the table nor become markup."""
    text = " ".join(str(value).split())
    for character in "\\`*_[]<>|#":
        text = text.replace(
            character, f"\\{character}" if character not in "<>" else {"<": "&lt;", ">": "&gt;"}[character]
        )
    return text


def named_fields(fields: ReceiptFields) -> Iterator[tuple[str, Found[Any]]]:
    """The single-valued fields that were found, in the order in which people read them."""
    for name in _NAMED_FIELDS:
        found = getattr(fields, name)
        if found is not None:
            yield name, found


def annotated_picture(preview: bytes, page_size: tuple[int, int], fields: ReceiptFields, page: int = 1) -> bytes:
    """The preview with a labelled box around each field found on that page.

    Args:
        preview: JPEG of the upright page, any size.
        page_size: width and height in pixels of the page that the boxes refer to.
        fields: what to draw.
        page: which page the preview shows, from 1.

    Returns:
        JPEG bytes.
    """
    with Image.open(io.BytesIO(preview), formats=["JPEG"]) as opened:
        picture = opened.convert("RGB")
    scale = (picture.width / page_size[0], picture.height / page_size[1])
    draw = ImageDraw.Draw(picture)
    for name, found in named_fields(fields):
        if found.bbox is not None and found.page in {None, page}:
            _draw_box(draw, name, found.bbox, scale)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=60)
    return buffer.getvalue()


def _draw_box(draw: ImageDraw.ImageDraw, name: str, box: BBox, scale: tuple[float, float]) -> None:
    colour = _BOX_COLOURS.get(name, _OTHER_COLOUR)
    left, top = box.left * scale[0], box.top * scale[1]
    right, bottom = max(box.right * scale[0], left + 1), max(box.bottom * scale[1], top + 1)
    draw.rectangle((left - 2, top - 2, right + 2, bottom + 2), outline=colour, width=2)
    draw.text((left, max(top - 13, 0)), name, fill=colour, font=ImageFont.load_default(size=11))


def summary_key(key: str, receipt_id: UUID) -> str:
    """Under which Prefect keeps the summaries of a receipt, one a reading, and what its UI calls them.

    The object's key as far as Prefect takes it (small letters, digits, dashes), and enough of the id to be single.
    """
    words = re.findall("[a-z0-9]+", key.lower())
    title = "-".join(words)[-_TITLE_LENGTH:].strip("-") or "receipt"
    return f"{title}-{receipt_id.hex[-12:]}"


async def publish(title: str, headline: str, markdown: str, picture: bytes | None) -> None:
    """Attach the summary, and the picture if there is one, to the current flow run.

    Args:
        title: Of `summary_key`.
        headline: What became of the receipt, in one line.
        markdown: The summary.
        picture: JPEG, or None.

    The picture travels inside the artifact as a data URL: it needs no address that a browser could not reach, and
    no link that expires. It has no key, since of one with a key Prefect keeps the data twice.
    """
    await acreate_markdown_artifact(key=title, markdown=markdown, description=headline[:_HEADLINE_LENGTH])
    if picture is not None:
        url = "data:image/jpeg;base64," + base64.b64encode(picture).decode()
        await acreate_image_artifact(image_url=url, description="The receipt with the found fields boxed")
