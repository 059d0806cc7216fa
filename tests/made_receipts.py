"""Receipts made up for many countries by a seed, as printed lines with their true fields: text, no pictures.

`made_countries.json` says how shops of a country label, date and write their amounts; the seed chooses among that, and
which of the things are printed that receipts trip over: conversions, expiry dates, points, deposits, suggested tips.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

WIDTH = 44
_ENGLISH_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_CENT = Decimal("0.01")
_LAST_DAY = dt.date(2026, 10, 30)


@dataclass
class MadeReceipt:
    """The lines of a receipt, and its true total, day, currency and right merchant names."""

    country: str
    seed: int
    total: Decimal
    purchase_date: dt.date
    currency: str
    merchants: tuple[str, ...]
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@lru_cache(maxsize=1)
def countries() -> dict[str, dict[str, Any]]:
    """Return what each country's receipts have, by its code."""
    table = json.loads((Path(__file__).parent / "made_countries.json").read_text(encoding="utf-8"))
    return {code: entry for code, entry in table.items() if code != "source"}


def make_receipt(country: str, seed: int) -> MadeReceipt:
    """Make one receipt; the same seed makes the same one."""
    return _Maker(country, seed).make()


class _Maker:
    def __init__(self, country: str, seed: int) -> None:
        self.random = Random(f"{country}-{seed}")
        self.country, self.seed = country, seed
        self.form = countries()[country]
        self.unit = Decimal(1) if self.form.get("decimals") == 0 else _CENT
        self.mark = self.random.choice(self.form["marks"])
        self.marked_goods = self.random.random() < 0.2
        self.lines: list[str] = []

    def make(self) -> MadeReceipt:
        merchant, owner = self.random.choice(self.form["merchants"])
        day = self._day()
        dated_below = self.random.random() < 0.35
        self._head(merchant, owner)
        if not dated_below:
            self._dated(day)
        total = self._body()
        if dated_below:
            self._dated(day)
        self._foot(day, total)
        names = tuple(name for name in (merchant, owner) if name)
        return MadeReceipt(self.country, self.seed, total, day, self.form["currency"], names, self.lines)

    def _maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def _one(self, name: str) -> str:
        return str(self.random.choice(self.form[name]))

    def _day(self) -> dt.date:
        first, last = self.form.get("years", [2023, 2026])
        start, end = dt.date(first, 1, 1), min(dt.date(last, 12, 31), _LAST_DAY)
        return start + dt.timedelta(days=self.random.randrange((end - start).days))

    def _head(self, merchant: str, owner: str) -> None:
        title, address, about = self._one("titles"), self.form["address"], []
        if title and self._maybe(0.2):
            self._centre(title)
            title = ""
        self._centre(merchant)
        about.append(owner)
        about += address
        about += [self._one("phone")] if self._maybe(0.6) else []
        about += [self._one("ids")] if self._maybe(0.85) else []
        for line in about:
            if line:
                self._centre(line)
        if title and self._maybe(0.8):
            self._centre(title)
        if self._maybe(0.6):
            number = self._one("number").format(n=self.random.randrange(10_000, 99_999))
            self.lines.append(number)

    def _dated(self, day: dt.date) -> None:
        form, label = self._one("dates"), self._one("date_labels")
        printed = f"{label} {self._date(day, form)}".strip()
        if self._maybe(0.15) and form.endswith((" %H:%M", " %H:%M:%S")):
            head, time = printed.rsplit(" ", 1)
            self.lines += [head.strip(), time]
        else:
            self.lines.append(printed)

    def _date(self, day: dt.date, form: str) -> str:
        time = dt.time(self.random.randrange(8, 22), self.random.randrange(60), 7)
        moment = dt.datetime.combine(day, time, dt.UTC)
        if self.form.get("buddhist") and self._maybe(0.6):
            form = form.replace("%Y", str(day.year + 543))
        if self.form.get("roc") and self._maybe(0.4):
            form = form.replace("%Y", str(day.year - 1911))
        months = self.form.get("months", _ENGLISH_MONTHS)
        return moment.strftime(form.replace("%b", months[day.month - 1]))

    def _body(self) -> Decimal:
        goods = self._goods()
        discount = self._discount(goods)
        goods -= discount
        exclusive = self._exclusive()
        if exclusive or self._maybe(0.35):
            self._amount(self._one("subtotal"), goods)
        total = goods + self._charged(goods, exclusive)
        total = self._rounded(total)
        self._amount(self._one("total"), total, marked=True)
        if not exclusive and self._maybe(0.6):
            self._taxes(total)
        self._paid(total)
        return total

    def _goods(self) -> Decimal:
        style = self.random.choice(["plain", "counted", "below", "coded", "lettered"])
        total = Decimal(0)
        for _ in range(self.random.choice([1, 1, 2, 3, 3, 4, 5, 7])):
            name, count = self._one("items"), self.random.choice([1, 1, 1, 2, 3])
            each = self._price()
            line = each * count
            total += line
            price = self._number(line)
            if self.marked_goods:
                price = self.mark.format(price)
            if style == "counted":
                self._columns(f"{count} {name}", price)
            elif style == "below":
                self.lines.append(name)
                self._columns(f"  {count} x {self._number(each)}", price)
            elif style == "coded":
                self._columns(f"{self.random.randrange(10_000, 999_999)} {name[:20]}", price)
            elif style == "lettered":
                self._columns(name, f"{price} {self.random.choice('AB')}")
            else:
                self._columns(name, price)
        if "deposit" in self.form and self._maybe(0.3):
            deposit = Decimal("2.00") if self.form["currency"] != "EUR" else Decimal("0.25")
            self._columns(self._one("deposit"), self._number(deposit))
            total += deposit
        return total

    def _price(self) -> Decimal:
        units = Decimal(self.random.randrange(60, 2600)) / 100 * self.form.get("scale", 1)
        step = Decimal(self.form.get("round_to", 1)) * self.unit
        rounded: Decimal = (units / step).to_integral_value(ROUND_HALF_UP) * step
        return max(rounded, step)

    def _discount(self, goods: Decimal) -> Decimal:
        if not self._maybe(0.2):
            return Decimal(0)
        discount = self._round(goods / 10)
        if discount:
            self._columns(self._one("discount"), f"-{self._number(discount)}")
        return discount

    def _exclusive(self) -> list[tuple[str, Decimal]]:
        kinds = [self.form[name] for name in ("exclusive", "exclusive2", "exclusive3") if name in self.form]
        return [(label, Decimal(rate)) for label, rate in self.random.choice(kinds)] if kinds else []

    def _charged(self, goods: Decimal, exclusive: list[tuple[str, Decimal]]) -> Decimal:
        charged = Decimal(0)
        if "service" in self.form and self._maybe(0.3):
            service = self._round(goods / 10)
            self._columns("Service Charge 10%", self._number(service))
            charged += service
        for label, rate in exclusive:
            tax = self._round(goods * rate / 100)
            self._columns(label, self._number(tax))
            charged += tax
        return charged

    def _rounded(self, total: Decimal) -> Decimal:
        if "rounding" not in self.form or self.form.get("cash_round") or not self._maybe(0.5):
            return total
        step = Decimal(self.form["step"])
        rounded = (total / step).to_integral_value(ROUND_HALF_UP) * step
        rounding = rounded - total
        if not rounding:
            return total
        if self._maybe(0.5):
            self._amount(self._one("subtotal"), total)
        sign = "-" if rounding < 0 else self.random.choice(["", "+"])
        self._columns(self._one("rounding"), f"{sign}{self._number(abs(rounding))}")
        return rounded.quantize(self.unit)

    def _taxes(self, total: Decimal) -> None:
        rate = Decimal(self._one("rates").replace(",", "."))
        tax = self._round(total * rate / (100 + rate))
        shown = f"{rate}".replace(".", self.form["decimal"])
        if self.form.get("vatable"):
            self._columns("VATable Sales", self._number(total - tax))
        if "table" in self.form and self._maybe(0.6):
            self.lines.append(self._one("table"))
            self.lines.append(
                f"{shown}%  {self._number(total - tax)}  {self._number(tax)}  {self._number(total)}"
                if self._maybe(0.7)
                else f"{shown}%  {self._number(total - tax)}  {self._number(tax)}"
            )
        elif self.form.get("plain_tax"):
            self._columns(self._one("tax"), self._number(tax))
        else:
            self._columns(f"{self._one('tax')} {shown}%", self._number(tax))

    def _paid(self, total: Decimal) -> None:
        way = self.random.random()
        if way < 0.45:
            step = Decimal(max(int(self.form.get("scale", 1)), 1)) * 10
            given = (total / step).to_integral_value(ROUND_HALF_UP) * step
            given = (given if given > total else given + step).quantize(self.unit)
            self._amount(self._one("cash"), given)
            self._amount(self._one("change"), given - total)
        elif way < 0.85:
            self._amount(self._one("card"), total)

    def _foot(self, day: dt.date, total: Decimal) -> None:
        extras = [self._points, self._other_date, self._foreign, self._tips]
        self.random.shuffle(extras)
        for extra in extras:
            if self._maybe(0.3):
                self.lines += list(extra(day, total))
        self.lines += self.random.sample(self.form["thanks"], self.random.randrange(1, 3))

    def _points(self, _day: dt.date, _total: Decimal) -> Iterator[str]:
        yield self._one("points").format(self.random.choice([self._number(self._price()), "118"]))

    def _other_date(self, day: dt.date, _total: Decimal) -> Iterator[str]:
        form = self._one("dates").split(" ")[0]
        later = day + dt.timedelta(days=self.random.choice([14, 30, 730]))
        if "%d" in form and "%m" in form:
            yield self._one("other_dates").format(self._date(later, form))

    def _foreign(self, _day: dt.date, total: Decimal) -> Iterator[str]:
        if "foreign" in self.form:
            other = (total / Decimal(self.form["foreign_rate"])).quantize(_CENT)
            for line in self.form["foreign"]:
                yield line.format(eur=f"{other}".replace(".", self.form["decimal"]))

    def _tips(self, _day: dt.date, total: Decimal) -> Iterator[str]:
        if self.form.get("tips"):
            yield "Suggested gratuity"
            for share in (15, 18, 20):
                tip = self._round(total * share / 100)
                yield f"{share}% = ${tip}"

    def _round(self, value: Decimal) -> Decimal:
        return value.quantize(self.unit, ROUND_HALF_UP)

    def _number(self, value: Decimal) -> str:
        whole, _, cents = f"{abs(value):.{0 if self.unit == 1 else 2}f}".partition(".")
        groups: list[str] = []
        size = 3
        while whole:
            groups.insert(0, whole[-size:])
            whole = whole[:-size]
            size = 2 if self.form.get("lakh") else 3
        whole = str(self.form["group"]).join(groups)
        return f"{whole}{self.form['decimal']}{cents}" if cents else whole

    def _amount(self, label: str, value: Decimal, *, marked: bool = False) -> None:
        number = self._number(value)
        self._columns(label, self.mark.format(number) if marked or self._maybe(0.3) else number)

    def _columns(self, left: str, right: str) -> None:
        self.lines.append(left + " " * max(2, WIDTH - len(left) - len(right)) + right)

    def _centre(self, text: str) -> None:
        self.lines.append(text.center(WIDTH).rstrip())
