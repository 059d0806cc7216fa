"""A QR code as SVG without styles, as the pages' policy wants it."""

from __future__ import annotations

import segno
from markupsafe import Markup


def qr_svg(text: str, label: str) -> Markup:
    """The code of a text; a label says to people what it is for."""
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(omitsize=True, svgclass=None, lineclass=None, border=2, title=label)
    return Markup(drawn)  # noqa: S704  # made by segno of squares; the label is escaped by it
