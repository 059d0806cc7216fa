"""HTML, mostly a mail's body, as the lines that a reader sees: blocks below each other, a row's cells side by side.

What is hidden (by style, attribute or a style sheet's class) is left out, as are scripts. It fetches nothing.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "div", "dl", "dt"),
        *("fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr"),
        *("html", "li", "main", "nav", "ol", "option", "p", "pre", "section", "table", "tbody", "tfoot", "thead"),
        *("tr", "ul"),
    }
)
_CELLS = frozenset({"td", "th"})
_UNSEEN = frozenset({"head", "script", "style", "template", "title", "noscript", "svg", "select", "textarea", "object"})
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_HIDDEN = re.compile(
    r"display:none|visibility:hidden|opacity:0?\.?0*(?:;|$)|font-size:(?:0|1px)|mso-hide:all|max-height:0|"
    r"(?<![-\w])color:(?:#fff(?:fff)?|white|transparent)(?![^;]*background)"
)
_HIDDEN_CLASS = re.compile(r"\.([\w-]+)\s*\{[^{}]*(?:display\s*:\s*none|visibility\s*:\s*hidden)[^{}]*\}")
_INVISIBLE = re.compile("[\u00ad\u034f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_ENDLESS_TAG, _NO_TAG = re.compile(r"<[^<>]{4001,}>"), re.compile(r"<(?![^<>]{0,4000}>)")
_CELL_GAP = "   "
_MAX_DEPTH = 400
_PICTURE = "img"


def html_lines(html: str) -> list[str]:
    """Return the visible lines of an HTML document; broken HTML gives what browsers would make of most of it."""
    reader = _Lines(frozenset(_HIDDEN_CLASS.findall(html)))
    reader.feed(_well_bracketed(html))
    reader.close()
    return reader.finished()


def _well_bracketed(html: str) -> str:
    """Drop comments and endless tags, and make text of brackets that open no tag: html.parser takes quadratic time."""
    kept, start = [], 0
    while (begin := html.find("<!--", start)) >= 0:
        kept.append(html[start:begin])
        end = html.find("-->", begin)
        start = end + 3 if end >= 0 else len(html)
    return _NO_TAG.sub("&lt;", _ENDLESS_TAG.sub("", "".join([*kept, html[start:]])))


class _Lines(HTMLParser):
    def __init__(self, hidden_classes: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._hidden_classes = hidden_classes
        self._open: list[tuple[str, bool]] = []
        self._lines: list[str] = []
        self._line = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        hidden = self._is_hidden() or tag in _UNSEEN or self._hides(given)
        if tag in _BLOCKS:
            self._break()
        if tag in _CELLS and self._line.strip():
            self._line += _CELL_GAP
        if tag == _PICTURE and not hidden:
            self._add(given.get("alt", ""))
        if tag not in _VOID and len(self._open) < _MAX_DEPTH:
            self._open.append((tag, hidden))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._break()
        names = [name for name, _ in self._open]
        if tag in names:
            del self._open[len(names) - 1 - names[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        if not self._is_hidden():
            self._add(data)

    def finished(self) -> list[str]:
        self._break()
        return self._lines

    def _add(self, text: str) -> None:
        said = re.sub(r"\s+", " ", _INVISIBLE.sub("", text))
        self._line += said.lstrip() if not self._line or self._line.endswith(" ") else said

    def _break(self) -> None:
        if self._line.strip():
            self._lines.append(self._line.strip())
        self._line = ""

    def _is_hidden(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def _hides(self, given: dict[str, str]) -> bool:
        style = re.sub(r"\s+", "", given.get("style", "").lower()).replace("!important", "")
        classes = set(given.get("class", "").split())
        return "hidden" in given or bool(_HIDDEN.search(style)) or not self._hidden_classes.isdisjoint(classes)
