"""An invoice's XML as a tree whose elements are found by their local names, refused where it could do harm.

Entities are never declared in an invoice: a document type declaration, which is where bombs and files of the machine
come in, is refused before it is parsed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.etree import ElementTree

from flows.domain.errors import UnreadableError

MAX_CHARACTERS = 2_000_000  # an invoice of a thousand lines has about 1.5 million
_MAX_DEPTH = 40
_MOST_DIGITS = 15
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")


class InvoiceXmlError(UnreadableError):
    """XML that is no electronic invoice that can be read."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The XML is no electronic invoice that can be read: {problem}. Send the invoice as a PDF.")
        self.problem = problem


class Node:
    """An element. Names are local names; a path is names joined by "/"."""

    def __init__(self, element: ElementTree.Element) -> None:
        self._element = element
        self.name = element.tag.rpartition("}")[2]

    def all(self, path: str) -> Iterator[Node]:
        """Yield every element at the path, in order."""
        name, _, rest = path.partition("/")
        for child in self._element:
            if child.tag.rpartition("}")[2] == name:
                yield from Node(child).all(rest) if rest else [Node(child)]

    def first(self, path: str) -> Node | None:
        """Return the first element at the path."""
        return next(self.all(path), None)

    def text(self, *paths: str) -> str:
        """Return the text of the first path that has some; empty without."""
        found = (" ".join((node._element.text or "").split()) for path in paths for node in self.all(path))
        return next((text for text in found if text), "")

    def amount(self, path: str, currency: str = "") -> Decimal | None:
        """Return a number; of several, the one in the currency. None where there is none.

        Raises:
            InvoiceXmlError: what stands there is no number.
        """
        nodes = list(self.all(path))
        own = [node for node in nodes if node._element.get("currencyID") in {currency, None}]
        return _number((own or nodes)[0], path) if nodes else None

    def day(self, *paths: str) -> dt.date | None:
        """Return a date, `2026-05-14` or `20260514`; None where there is none.

        Raises:
            InvoiceXmlError: what stands there is no date.
        """
        text = self.text(*paths)
        if not text:
            return None
        match = _DAY.fullmatch(text[:10])
        try:
            return dt.date(*map(int, match.groups())) if match else _no_day(text)
        except ValueError:
            return _no_day(text)


def _no_day(text: str) -> dt.date:
    raise InvoiceXmlError(f"{text[:40]!r} is no date")


def _number(node: Node, path: str) -> Decimal:
    text = (node._element.text or "").strip()
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise InvoiceXmlError(f"{path} is {text[:40]!r}, which is no number") from None
    if not value.is_finite() or len(value.as_tuple().digits) > _MOST_DIGITS or abs(value.adjusted()) > _MOST_DIGITS:
        raise InvoiceXmlError(f"{path} is {text[:40]!r}, which is no amount")
    return value


def tree_of(xml: str) -> Node:
    """Parse the text of an XML file.

    Raises:
        InvoiceXmlError: too long, too deep, not well formed, or with a document type declaration.
    """
    if len(xml) > MAX_CHARACTERS:
        raise InvoiceXmlError(f"it has more than {MAX_CHARACTERS:,} characters")
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise InvoiceXmlError("it declares a document type, which no invoice does")
    parser: Any = ElementTree.XMLPullParser(("start", "end"))
    depth, root = 0, None
    try:
        # As text that names no encoding: what the declaration says about bytes is over.
        parser.feed(re.sub(r"^\ufeff?\s*<\?xml[^>]*\?>", "", xml, count=1))
        for event, element in parser.read_events():
            depth += 1 if event == "start" else -1
            root = element if root is None else root
            if depth > _MAX_DEPTH:
                raise InvoiceXmlError("its elements are nested too deeply")
        parser.close()
    except ElementTree.ParseError as error:
        raise InvoiceXmlError(f"it is not well formed ({error})") from None
    if root is None:
        raise InvoiceXmlError("it is empty")
    return Node(root)
