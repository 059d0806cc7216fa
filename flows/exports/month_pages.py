"""The pages of a year for an accountant: a PDF with each month's expenses, its sums and its tax."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from io import BytesIO
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

from flows.exports.csv_file import PlainNames
from flows.exports.text import money, one_line
from flows.ledger.exports import ExpenseRow

_FONT, _BOLD, _CJK = "Roboto", "Roboto-Bold", "STSong-Light"
_HEAD = ("date", "merchant", "category", "paid by", "tax", "total", "", "expense")
_WIDTHS_MM = (19, 52, 28, 20, 18, 21, 10, 19)
_ID_CHARACTERS = 11
_UNKNOWN = "□"


def month_pages(rows: Iterable[ExpenseRow], owner: str, year: int) -> bytes:
    """The PDF: a page for each month that has expenses, or more where they do not fit on one.

    Args:
        rows: Of that year, by day.
        owner: Named on each page.
        year: Named on each page.
    """
    from reportlab.lib.pagesizes import A4  # noqa: PLC0415  # a quarter of a second, for one target
    from reportlab.lib.units import mm  # noqa: PLC0415
    from reportlab.platypus import SimpleDocTemplate  # noqa: PLC0415

    _register_fonts()
    file = BytesIO()
    margins = {f"{side}Margin": 12 * mm for side in ("left", "right", "top", "bottom")}
    document = SimpleDocTemplate(
        file, pagesize=A4, title=f"Expenses of {year}", author=owner, invariant=True, **margins
    )
    months = groupby(rows, key=lambda row: row.purchase_date.month if row.purchase_date else 0)
    story = [part for month, of_month in months for part in _month(list(of_month), owner, year, month)]
    document.build(story or [_paragraph(f"No expenses in {year}.", bold=True)], onFirstPage=_foot, onLaterPages=_foot)
    return file.getvalue()


def _month(rows: Sequence[ExpenseRow], owner: str, year: int, month: int) -> Iterator[Any]:
    from reportlab.lib.units import mm  # noqa: PLC0415
    from reportlab.platypus import LongTable, PageBreak, Spacer  # noqa: PLC0415

    widths = [width * mm for width in _WIDTHS_MM]
    yield _paragraph(f"{year}-{month:02} — {owner}: {len(rows)} expenses", bold=True, size=13)
    yield Spacer(1, 4 * mm)
    yield LongTable([_HEAD, *map(_cells, rows)], colWidths=widths, repeatRows=1, style=_style(), hAlign="LEFT")
    yield Spacer(1, 5 * mm)
    for line in (*_sums(rows), *_taxes(rows)):
        yield _paragraph(line)
    yield PageBreak()


def _cells(row: ExpenseRow) -> list[Any]:
    currency = row.currency or ""
    return [
        str(row.purchase_date),
        _paragraph(one_line(row.merchant) or "—"),
        _paragraph(PlainNames().category(row.category)),
        _paragraph(one_line(row.payment_method)),
        "" if row.tax is None else money(row.tax, currency or "EUR"),
        money(row.total, currency or "EUR"),
        currency,
        row.public_id[:_ID_CHARACTERS],
    ]


def _sums(rows: Sequence[ExpenseRow]) -> Iterator[str]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row.currency or ""] += row.total
    for currency, total in sorted(sums.items()):
        yield f"Total: {money(total, currency or 'EUR')} {currency or 'without a currency'}"


def _taxes(rows: Sequence[ExpenseRow]) -> Iterator[str]:
    sums: dict[tuple[str, Decimal], Decimal] = defaultdict(Decimal)
    for row in rows:
        for tax in row.taxes:
            if tax.amount is not None:
                sums[row.currency or "", tax.rate or Decimal(0)] += tax.amount
    for (currency, rate), amount in sorted(sums.items()):
        named = f"{rate.normalize():f} %" if rate else "no rate named"
        yield f"Tax, {named}: {money(amount, currency or 'EUR')} {currency}"


def _paragraph(text: str, *, bold: bool = False, size: int = 8) -> Any:
    from reportlab.lib.styles import ParagraphStyle  # noqa: PLC0415
    from reportlab.platypus import Paragraph  # noqa: PLC0415

    font = _BOLD if bold else _FONT
    return Paragraph(_marked(text, font), ParagraphStyle("plain", fontName=font, fontSize=size, leading=size * 1.25))


def _marked(text: str, font: str) -> str:
    """Text in fonts that have its characters; what none has is a box, and whole in the CSV beside the PDF."""
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415

    known = pdfmetrics.getFont(font).face.charToGlyph
    parts = []
    for kind, run in groupby(text, key=lambda one: "own" if ord(one) in known else "cjk" if _is_cjk(one) else "none"):
        piece = escape("".join(run))
        parts.append({"own": piece, "cjk": f'<font name="{_CJK}">{piece}</font>', "none": _UNKNOWN}[kind])
    return "".join(parts)


def _is_cjk(character: str) -> bool:
    return "\u2e80" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff" or "\uff00" <= character <= "\uffef"


def _register_fonts() -> None:
    from font_roboto import Roboto, RobotoBold  # noqa: PLC0415
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont  # noqa: PLC0415
    from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415

    if _FONT not in pdfmetrics.getRegisteredFontNames():
        for name, path in ((_FONT, Roboto), (_BOLD, RobotoBold)):
            pdfmetrics.registerFont(TTFont(name, path))
        pdfmetrics.registerFont(UnicodeCIDFont(_CJK))


def _style() -> list[tuple[Any, ...]]:
    from reportlab.lib import colors  # noqa: PLC0415

    return [
        ("FONT", (0, 0), (-1, -1), _FONT, 8),
        ("FONT", (0, 0), (-1, 0), _BOLD, 8),
        ("LINEBELOW", (0, 0), (-1, 0), 0.6, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.2, colors.lightgrey),
        ("ALIGN", (4, 0), (5, -1), "RIGHT"),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
    ]


def _foot(canvas: Any, document: Any) -> None:
    canvas.setFont(_FONT, 7)
    canvas.drawRightString(document.pagesize[0] - 34, 20, f"receiptflow, page {canvas.getPageNumber()}")
