"""A person in real Chromium who knows the truth of each receipt, takes the shortest way that the page offers, and
counts each key and click.

Of the ways to a field's right value: it is there; it is among the candidates (a digit, or a click where another field
is marked); it is printed where the page has words (a click on the word); it is typed. A field is marked by the page's
keys, or by the page itself after a choice or Enter. A merchant is typed until the field suggests it near enough that
the arrows take fewer keys than the rest of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from flows.domain.fields import Found, ReceiptFields
from flows.reading.accuracy import verdicts

_PATIENCE_SECONDS = 30
_LOOK = """
const page = document.querySelector("[data-review]"), form = document.querySelector("#review-form");
if (!page || !page.dataset.started) return null;
return {
  action: form ? form.action : null,
  marked: document.querySelector(".field.marked")?.dataset.field || null,
  same: Boolean(document.querySelector("[data-keep]")),
  said: document.querySelector("#messages")?.innerText || "",
  fields: [...document.querySelectorAll("#review-form > .fields > [data-field]")].map((one) => ({
    name: one.dataset.field, value: one.querySelector("input").value,
    candidates: [...one.querySelectorAll("[data-candidate]")].map((each) => each.dataset.candidate),
    doubtful: one.classList.contains("doubtful"),
  })),
};"""
_WORDS = """
const done = arguments[0];
fetch(document.querySelector("[data-review]").dataset.words)
  .then((answer) => answer.json()).then(done, () => done(null));
"""
# Where the word stands on the screen: a real click there could hit what lies above it, which people scroll away.
_CLICK_WORD = """
const word = document.querySelectorAll("rect.word")[arguments[0]], svg = document.querySelector("svg.boxes");
const frame = svg.getBoundingClientRect(), size = svg.viewBox.baseVal;
const clientX = frame.left + arguments[1] * frame.width / size.width;
const clientY = frame.top + arguments[2] * frame.height / size.height;
word.dispatchEvent(new MouseEvent("click", { bubbles: true, clientX, clientY }));"""
# What is suggested for what is typed: the list's names, once the field has its answer.
_SUGGESTED = """
const [typed, done] = arguments, list = document.querySelector("#f-merchant-names");
(function look() {
  if (list.dataset.of !== typed) setTimeout(look, 5);
  else done([...list.querySelectorAll("bdi")].map((name) => name.textContent));
})();"""
_KINDS = {"purchase_date": "dates", "total": "amounts"}
# Letters that are keys of the page; a capital one is typed. Figures that are no candidate's are typed, too.
_SHORTCUTS = frozenset("ejkznmdbsu")


@dataclass
class Reviewed:
    """One receipt: whether its right values were there or among the candidates, and what it took, in order."""

    receipt_id: UUID
    offered: bool
    moves: list[str] = field(default_factory=list)
    reasons: str = ""

    @property
    def count(self) -> int:
        """Keys and clicks."""
        return len(self.moves)


class ReviewError(RuntimeError):
    """The page did not do what was asked of it."""


class Reviewer:
    """Works the queue that the browser shows."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self._driver, self._url = driver, url
        self._moves: list[str] = []
        self._typing = False
        self._unseen: list[str] = []  # doubtful fields that were not marked yet, as the page keeps them
        self._said = ""

    def sign_in(self, name: str, password: str) -> None:
        """As the person, with a password; not counted."""
        self._driver.get(f"{self._url}/app/sign-in")
        self._one("[name=name]").send_keys(name)
        self._one("[name=password]").send_keys(password, Keys.ENTER)
        self._until(lambda: "sign-in" not in self._driver.current_url)

    def begin(self) -> None:
        """Open the queue's first receipt; not counted."""
        self._driver.get(f"{self._url}/app/review")
        self._one("a[data-key=Enter]").click()
        self._until(self._look)

    @property
    def receipt_id(self) -> UUID | None:
        """What is open; None when nothing waits any more."""
        shown = self._look()
        return UUID(shown["action"].rsplit("/", 2)[1]) if shown and shown["action"] else None

    def review(self, receipt_id: UUID, truth: dict[str, Any]) -> Reviewed:
        """Make the open receipt right and book it.

        Raises:
            ReviewError: It was not booked.
        """
        self._moves, self._typing = [], False
        shown = self._until(self._look)
        self._said = shown["said"]  # of the decision before
        self._unseen = [one["name"] for one in shown["fields"] if one["doubtful"]]
        self._see()
        wrong = [one for one in shown["fields"] if not is_right(one["name"], one["value"], truth)]
        offered = all(_right_candidate(one, truth) for one in wrong)
        reasons = self._driver.execute_script("return document.querySelector('.plain-list')?.innerText || ''")
        for one in wrong:
            self._make_right(one, truth)
        if self._typing and self._unseen:
            self._go_on()
        self._press(Keys.ENTER)
        if self._await_next(receipt_id) == "same":  # as the truth lists both, they are two purchases
            self._press("b")
            self._await_next(receipt_id)
        return Reviewed(receipt_id, offered, self._moves, reasons)

    def _make_right(self, one: dict[str, Any], truth: dict[str, Any]) -> None:
        chosen = _right_candidate(one, truth)
        if chosen:
            self._choose(one["name"], chosen)
        elif (place := self._right_word(one["name"], truth)) is not None:
            self._mark(one["name"])
            self._driver.execute_script(_CLICK_WORD, *place)
            self._moves.append("click")
        else:
            self._type(one, truth)
        shown = self._value(one["name"])
        if not is_right(one["name"], shown, truth) and typed_of(one["name"], truth) != shown:
            raise ReviewError(f"{one['name']} became {shown!r}, not {truth.get(one['name'])!r}")

    def _choose(self, name: str, number: int) -> None:
        """A candidate by its digit, or by a click where another field is marked and this one's candidates are shown."""
        if self._typing and self._following() == name:
            self._go_on()
        self._leave_field()
        button = self._one(f"[data-field='{name}'] [data-candidate]:nth-of-type({number})")
        if not button.is_displayed():  # nothing doubts what was read
            self._mark(name)
        if (self._look() or {})["marked"] == name:
            self._press(str(number))
        else:
            button.click()
            self._moves.append("click")
        self._see()

    def _type(self, one: dict[str, Any], truth: dict[str, Any]) -> None:
        self._mark(one["name"])
        text = typed_of(one["name"], truth)
        if not self._typing and not _begins_at_once(text, one):
            self._press("e")
        if one["name"] == "merchant" and text:
            self._type_merchant(text, truth)
        elif text:
            self._press(*text)
        else:
            self._press(Keys.DELETE)  # what was selected
        self._typing = True

    def _type_merchant(self, text: str, truth: dict[str, Any]) -> None:
        """Letter by letter, until a right name that is suggested takes fewer keys than the letters that are left."""
        for typed in range(1, len(text) + 1):
            self._press(text[typed - 1])
            names = self._driver.execute_async_script(_SUGGESTED, text[:typed])
            rights = [place for place, name in enumerate(names, start=1) if is_right("merchant", name, truth)]
            if rights and rights[0] < len(text) - typed:
                self._press(*[Keys.ARROW_DOWN] * rights[0])
                return

    def _mark(self, name: str) -> None:
        """Go to a field: by Enter where the page goes there, by Tab to one behind the one typed in, or by J and K."""
        if self._typing and self._following() == name:
            self._go_on()
            return
        if self._typing and self._tab_to(name):
            return
        self._leave_field()
        shown = self._look() or {}
        names = [one["name"] for one in shown["fields"]]
        if shown["marked"] == name:
            return
        ahead = (names.index(name) - names.index(shown["marked"])) % len(names)
        behind = len(names) - ahead
        self._walk("j" * ahead if ahead <= behind else "k" * behind, name)

    def _tab_to(self, name: str) -> bool:
        """Press Tab until a field that stands behind is typed in; False where it stands before."""
        shown = self._look() or {}
        names = [one["name"] for one in shown["fields"]]
        steps = names.index(name) - names.index(shown["marked"])
        if steps < 0:
            return False
        self._walk([Keys.TAB] * steps, name)
        return True

    def _walk(self, keys: Iterable[str], name: str) -> None:
        for key in keys:
            self._press(key)
            self._see()  # each field on the way is marked
        self._until(lambda: (self._look() or {})["marked"] == name)

    def _right_word(self, name: str, truth: dict[str, Any]) -> tuple[int, float, float] | None:
        """The number of a word that fills the field right, and where on the page to click on it."""
        read = self._driver.execute_async_script(_WORDS)
        wanted = read[_KINDS[name]] if name in _KINDS else read["words"]
        for text, *box in wanted:
            if is_right(name, text, truth):
                across, down = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
                numbers = (n for n, (_, *word) in enumerate(read["words"]) if _is_in(across, down, word))
                if (number := next(numbers, None)) is not None:
                    return number, across, down
        return None

    def _press(self, *keys: str) -> None:
        for key in keys:
            hands = webdriver.ActionChains(self._driver)
            capital = key.isupper() and key.isascii()
            (
                hands.key_down(Keys.SHIFT).send_keys(key).key_up(Keys.SHIFT) if capital else hands.send_keys(key)
            ).perform()
            self._moves.append(_names().get(key, key))

    def _leave_field(self) -> None:
        if self._typing:
            self._press(Keys.ESCAPE)
            self._typing = False

    def _go_on(self) -> None:
        """Enter in a field that is typed in, while a doubtful one is left."""
        name = self._following()
        self._press(Keys.ENTER)
        self._until(lambda: (self._look() or {})["marked"] == name)
        self._typing = False
        self._see()

    def _following(self) -> str | None:
        """Where the page goes on to after the marked field."""
        shown = self._look() or {}
        names = [one["name"] for one in shown["fields"]]
        behind = names[names.index(shown["marked"]) + 1 :]
        return next((name for name in behind if name in self._unseen), self._unseen[0] if self._unseen else None)

    def _see(self) -> None:
        marked = (self._look() or {})["marked"]
        self._unseen = [name for name in self._unseen if name != marked]

    def _await_next(self, receipt_id: UUID) -> str:
        def gone() -> str:
            shown = self._look()
            if shown is None:
                place = self._driver.current_url.split("?")[0]  # behind the last one: the empty queue
                return "next" if place.endswith("/review") else ""
            if str(receipt_id) not in str(shown["action"]):
                return "next"
            if shown["same"] and self._said != shown["said"]:
                self._said = shown["said"]
                return "same"
            if shown["said"] != self._said:
                raise ReviewError(shown["said"].strip())
            return ""

        return str(self._until(gone))

    def _value(self, name: str) -> str:
        shown = self._look() or {}
        return str(next(one["value"] for one in shown["fields"] if one["name"] == name))

    def _look(self) -> dict[str, Any] | None:
        shown: dict[str, Any] | None = self._driver.execute_script(_LOOK)
        return shown

    def _one(self, css: str) -> WebElement:
        found: WebElement = self._until(lambda: self._driver.find_element("css selector", css))
        return found

    def _until(self, seen: Any) -> Any:
        ignored = [WebDriverException]
        return WebDriverWait(self._driver, _PATIENCE_SECONDS, 0.02, ignored).until(lambda _: seen())


def is_right(name: str, value: object, truth: dict[str, Any]) -> bool:
    """Whether a field's text is right by accuracy's rules; what the truth does not tell is."""
    try:
        true: Any = _value_of(name, str(value or "").strip()) if value else None
        found: Found[Any] | None = Found(value=true, confidence=1.0) if value else None
    except (ValueError, InvalidOperation):
        return False
    fields = ReceiptFields(parser_version="", **{name: found})
    return verdicts(fields, truth)[name] not in {"wrong", "missing"}


def _value_of(name: str, text: str) -> object:
    if name == "total":
        return Decimal(text)
    return dt.date.fromisoformat(text) if name == "purchase_date" else text


def typed_of(name: str, truth: dict[str, Any]) -> str:
    """The shortest that a person types for the truth."""
    true = str(truth.get(name) or "")
    if name == "purchase_date" and true:
        day = dt.date.fromisoformat(true)
        return f"{day.day}.{day.month}.{day:%y}"
    if name == "total":
        return str(Decimal(true).normalize()) if "E" not in str(Decimal(true).normalize()) else true
    if name == "merchant":
        return min([true, *map(str, truth.get("merchant_also", ()))], key=len)
    return true


def _begins_at_once(text: str, one: dict[str, Any]) -> bool:
    """Whether the first character is typed where the field is only marked, and not taken for a key of the page."""
    if text[:1].isdecimal():
        return text[0] == "0" or int(text[0]) > len(one["candidates"])
    return bool(text.strip()) and text[0] not in _SHORTCUTS


def _is_in(across: float, down: float, box: list[float]) -> bool:
    return box[0] <= across <= box[2] and box[1] <= down <= box[3]


def _right_candidate(one: dict[str, Any], truth: dict[str, Any]) -> int:
    """The number of the right candidate; 0 where none is."""
    rights = [n for n, value in enumerate(one["candidates"], start=1) if is_right(one["name"], value, truth)]
    return rights[0] if rights else 0


def _names() -> dict[str, str]:
    return {Keys.ENTER: "Enter", Keys.ESCAPE: "Esc", Keys.DELETE: "Del", Keys.TAB: "Tab", Keys.ARROW_DOWN: "↓"}
