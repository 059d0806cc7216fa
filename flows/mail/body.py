"""The mail itself as a receipt: its HTML, or its plain text, as a document of its own."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message

_SHOWN = re.compile(r"""cid:([^"'\s>)]+)""", re.IGNORECASE)
# Each of these patterns takes time in proportion to the text, however hostile that is.
_TAG = re.compile(r"<[^<>]*>")
_UNSHOWN = ("style", "script", "head")
# An amount with cents, as prices are printed ("12,99", "1 234.50"), or with a currency's mark. A date is none.
_AMOUNT = re.compile(r"(?<![\d.,])\d{1,3}(?:[ .,'’]?\d{3})*[.,]\d{2}(?![\d.,]*\d)(?![\w%])|[€$£¥₹]\s?\d|\d\s?[€$£¥₹]")
_NAME_LENGTH = 80


@dataclass(frozen=True)
class Body:
    """A mail's text as a file in UTF-8. `shown` are the ids of the parts that it shows within itself."""

    name: str
    data: bytes
    shown: frozenset[str]
    names_an_amount: bool


def is_body(part: Message) -> bool:
    """Whether a part without parts is the mail's own text, not a file."""
    return (
        part.get_content_type() in {"text/html", "text/plain"}
        and part.get_content_disposition() != "attachment"
        and not part.get_filename()
    )


def body_of(parts: Sequence[Message], subject: str) -> Body | None:
    """The text of a mail with these parts; HTML goes before plain text. None if it has no text."""
    bodies = [part for part in parts if is_body(part)]
    for subtype, suffix in (("html", ".html"), ("plain", ".txt")):
        for part in bodies:
            text = _text(part)
            if part.get_content_subtype() == subtype and text.strip():
                return _body(text, suffix, subject)
    return None


def _body(text: str, suffix: str, subject: str) -> Body:
    plain = _shown_text(text) if suffix == ".html" else text
    # The mark of UTF-8 in front outweighs what the HTML says of its own charset, which was true of the mail only.
    data = codecs.BOM_UTF8 + text.encode("utf-8", "replace")
    name = re.sub(r"[^\w .-]+", " ", subject).strip()[:_NAME_LENGTH] or "mail"
    return Body(f"{name}{suffix}", data, frozenset(_SHOWN.findall(text)), bool(_AMOUNT.search(plain)))


def _shown_text(html: str) -> str:
    for name in _UNSHOWN:
        html = " ".join(piece for piece in _outside(html, name))
    return _TAG.sub(" ", html)


def _outside(html: str, name: str) -> Iterator[str]:
    """What stands outside of the elements of this name; one that is never closed hides all behind it."""
    begins, ends = (re.compile(f"<{slash}{name}\\b", re.IGNORECASE) for slash in ("", "/"))
    start = 0
    while opened := begins.search(html, start):
        yield html[start : opened.start()]
        closed = ends.search(html, opened.end())
        if closed is None:
            return
        start = closed.end()
    yield html[start:]


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    try:
        return data.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:  # a charset that does not exist
        return data.decode("utf-8", "replace")
