"""Pages from templates: one Jinja environment a language, all text escaped, and how values are written."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from urllib.parse import quote, unquote, urlencode
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import UnknownCurrencyError, format_currency, format_decimal
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, pass_context
from jinja2.runtime import Context as JinjaContext

from deployments.gateway.web.assets import PREFIX, Assets
from deployments.gateway.web.environment import environment_in
from deployments.gateway.web.reasons import reason_told
from deployments.gateway.web.sentences import told
from deployments.gateway.web.texts import LANGUAGES, choose_language, locale_of, translations
from deployments.version import installed_version
from flows.storage import sent_name

_SAID = "receiptflow_said"
_SAID_SECONDS = 30
_LONGEST_SAID = 500
# CLDR's spacing of currencies, which Babel leaves out: a code and a figure do not touch.
_TOUCHING = re.compile(r"(?<=[^\W\d_])(?=\d)")


class Templates:
    """The templates of all pages.

    Args:
        assets: The files that pages refer to.
    """

    def __init__(self, assets: Assets) -> None:
        self._environments = {language: _environment(language, assets) for language in LANGUAGES}

    def render(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page in the visitor's language.

        Args:
            request: Whose.
            template: By its path in this package.
            status: Of the answer.
            values: For the template.
        """
        visitor = getattr(request.state, "visitor", None)
        language = language_of(request)
        said = "" if _is_part(request) else told(unquote(request.cookies.get(_SAID, ""))[:_LONGEST_SAID], language)
        common = {"visitor": visitor, "request": request, "said": said, "language": language}
        waiting = getattr(request.state, "waiting", 0)
        text = self._environments[language].get_template(template).render(waiting=waiting, **common, **values)
        response = HTMLResponse(text, status)
        if said:
            response.delete_cookie(_SAID, path=PREFIX)
        return response


def _is_part(request: Request) -> bool:
    """Whether a page's script asks for a part of it meanwhile: what was done is left to the next whole page."""
    return "hx-request" in request.headers and "hx-boosted" not in request.headers


def language_of(request: Request) -> str:
    """The language that a visitor reads."""
    visitor = getattr(request.state, "visitor", None)
    wanted = visitor.person.language if visitor else None
    return choose_language(wanted, request.headers.get("accept-language", ""))


def text_of(request: Request, text: str) -> str:
    """A text of the catalogue in the visitor's language."""
    return translations(language_of(request)).gettext(text)


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page; see `Templates.render`."""
    templates: Templates = request.app.state.templates
    return templates.render(request, template, status, **values)


def go_to(path: str, said: str = "") -> RedirectResponse:
    """Send the browser on after a form, with a sentence for the next page to show.

    Args:
        path: Below the pages' prefix.
        said: What was done; shown once, as text.
    """
    response = RedirectResponse(PREFIX + path, 303)
    if said:
        response.set_cookie(
            _SAID, quote(said[:_LONGEST_SAID]), max_age=_SAID_SECONDS, path=PREFIX, httponly=True, samesite="lax"
        )
    return response


def _environment(language: str, assets: Assets) -> Environment:
    locale = locale_of(language)
    environment = environment_in(language)
    environment.globals |= {"asset": assets.url, "app": PREFIX, "version": installed_version(), "languages": LANGUAGES}
    environment.filters |= {
        "money": partial(money, locale=locale),
        "printed_money": partial(_printed_money, locale=locale),
        "printed_day": partial(_printed_day, locale=locale),
        "month": partial(_month, locale=locale),
        "number": partial(_number, locale=locale),
        "day": partial(_day, locale=locale),
        "moment": _moment(locale),
        "ago": partial(_ago, locale=locale),
        "size": _size,
        "reason": partial(reason_told, language=language),
        "told": partial(told, language=language),
        "with_query": with_query,
        "file_name": sent_name,
        "browser": _browser,
    }
    return environment


def money(amount: Decimal | None, currency: str | None = None, *, locale: Locale) -> str:
    """An amount as people of this locale write it; without a currency, the number alone."""
    if amount is None:
        return ""
    if not currency:
        return format_decimal(amount, "#,##0.00", locale=locale)
    try:
        return _TOUCHING.sub("\N{NO-BREAK SPACE}", format_currency(amount, currency, locale=locale))
    except UnknownCurrencyError:
        return f"{format_decimal(amount, '#,##0.00', locale=locale)} {currency}"


def _printed_money(amount: str | None, currency: str | None, *, locale: Locale) -> str:
    """An amount that is kept as it was read; what is no number stays as it is."""
    try:
        return money(Decimal(amount or ""), currency, locale=locale)
    except InvalidOperation:
        return f"{amount or ''} {currency or ''}".strip()


def _printed_day(value: str | None, *, locale: Locale) -> str:
    try:
        return _day(dt.date.fromisoformat(value or ""), locale=locale)
    except ValueError:
        return value or ""


def _month(value: str, pattern: str = "LLL", *, locale: Locale) -> str:
    """The name of a month that is given as 2026-11."""
    return format_date(dt.date.fromisoformat(f"{value}-01"), pattern, locale=locale)


def _number(value: Decimal | int | None, *, locale: Locale) -> str:
    return "" if value is None else format_decimal(value, locale=locale)


def _day(value: dt.date | None, *, locale: Locale) -> str:
    return "" if value is None else format_date(value, "medium", locale=locale)


def _moment(locale: Locale) -> Callable[..., str]:
    """Writes a moment in the visitor's time zone, else in the server's."""

    @pass_context
    def moment(context: JinjaContext, value: dt.datetime | None) -> str:
        if value is None:
            return ""
        visitor = context.get("visitor")
        zone = ZoneInfo(visitor.person.time_zone) if visitor and visitor.person.time_zone else None
        return format_datetime(value, "short", value.astimezone(zone).tzinfo, locale=locale)

    return moment


def _ago(value: dt.datetime | None, *, locale: Locale) -> str:
    if value is None:
        return ""
    return format_timedelta(value - dt.datetime.now(dt.UTC), add_direction=True, locale=locale)


def _size(size_bytes: int) -> str:
    if size_bytes < 1_000_000:
        return f"{max(1, round(size_bytes / 1000))} kB"
    return f"{size_bytes / 1_000_000:.1f} MB"


def _browser(user_agent: str) -> str:
    """A browser in two words, for people to tell theirs apart."""
    browsers = (
        ("Firefox/", "Firefox"),
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    )
    systems = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "CrOS", "Linux")
    name = next((name for mark, name in browsers if mark in user_agent), user_agent[:40] or "?")
    system = next((system for system in systems if system in user_agent), "")
    return f"{name}, {system}" if system else name


def with_query(query: Mapping[str, Any], **changes: Any) -> str:
    """A query string with some parameters changed; an empty value takes one away."""
    merged = {**query, **changes}
    kept = {name: value for name, value in merged.items() if value not in {None, ""}}
    return f"?{urlencode(kept)}" if kept else "?"
