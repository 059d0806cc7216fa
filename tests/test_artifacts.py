"""What people see of a run shows a receipt's text as text: it becomes no markup and breaks no table. The picture is on
the receipt's page, and on the run where no page is known.
"""

from __future__ import annotations

import io
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from markdown_it import MarkdownIt
from PIL import Image

from flows.domain.fields import Check, Found, LineItem, ReceiptFields
from flows.pipeline.artifacts import summary
from flows.receipt_to_expense import _artifacts_of

HOSTILE = "<img src=x onerror=alert(1)> | [click](javascript:alert(1)) <script>alert(1)</script> `code`\n# head"
T = TypeVar("T")


def found(value: T) -> Found[T]:
    return Found(value=value, confidence=0.9, page=1, evidence=HOSTILE)


def test_text_of_a_receipt_becomes_no_markup() -> None:
    fields = ReceiptFields(
        parser_version="1",
        merchant=found(HOSTILE),
        total=found(Decimal("12.50")),
        line_items=(found(LineItem(description=HOSTILE, total=Decimal("1.00"))),),
        checks=(Check(name="items", held=True, detail=HOSTILE),),
    )
    text = summary(key=f"anna/{HOSTILE}.jpg", owner=HOSTILE, outcome="Review", message=HOSTILE, fields=fields)
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    for tag in ("<img", "<script", "<a ", "<code"):
        assert tag not in page
    assert page.count("<h1>") == 1
    cells = [row.count("<td") for row in page.split("<tr>")[1:]]
    assert cells == [0, 5, 5, 0, 4]


@pytest.mark.parametrize(("public_url", "has_picture"), [("https://books.example", False), ("", True)])
def test_the_picture_is_on_the_run_only_where_no_page_is_known(public_url: str, has_picture: bool) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 90)).save(buffer, "JPEG")
    outcome = SimpleNamespace(receipt_id=uuid4(), message="posted", name="EXPENSED")
    receipt: Any = SimpleNamespace(
        outcome=outcome,
        request=SimpleNamespace(key="anna/1.jpg", owner="anna"),
        pipeline=SimpleNamespace(public_url=public_url),
        fields=ReceiptFields(parser_version="1", total=found(Decimal("1.00"))),
        text=SimpleNamespace(pages=[SimpleNamespace(width=60, height=90)]),
        preview=buffer.getvalue(),
    )
    markdown, picture = _artifacts_of(receipt)
    assert (picture is not None) is has_picture
    assert (f"{public_url}/app/receipts/{outcome.receipt_id}" in markdown) is not has_picture
