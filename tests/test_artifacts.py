"""What people see of a run shows a receipt's text as text: it becomes no markup and breaks no table."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

from markdown_it import MarkdownIt

from flows.domain.fields import Check, Found, LineItem, ReceiptFields
from flows.pipeline.artifacts import summary

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
