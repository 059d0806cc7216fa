"""The pages' languages: Babel's catalogues beside this module, and which one a person reads."""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from functools import cache
from importlib.resources import as_file, files

from babel import Locale, UnknownLocaleError, negotiate_locale

DOMAIN = "pages"
# The source's language first: what no catalogue has is shown in it.
LANGUAGES = {"en": "English", "de": "Deutsch"}
# How each language's pages write numbers and dates; en_GB has day before month and a 24 hour clock.
_LOCALES = {"en": "en_GB", "de": "de_DE"}


def locale_of(language: str) -> Locale:
    """How numbers and dates are written in a language of the pages."""
    return Locale.parse(_LOCALES.get(language, _LOCALES["en"]))


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The catalogue of a language; English needs none."""
    with as_file(files("deployments.gateway.web").joinpath("locale")) as folder:
        return gettext.translation(DOMAIN, folder, [language], fallback=True)


def choose_language(wanted: str | None, accepted: str) -> str:
    """The language for a visitor: their own choice, else the first that their browser asks for and we have.

    Args:
        wanted: What the person or the owner has chosen.
        accepted: The header `Accept-Language`.
    """
    if wanted in LANGUAGES:
        return wanted
    return negotiate_locale(list(_preferred(accepted)), list(LANGUAGES), sep="-") or "en"


def _preferred(accepted: str) -> Iterator[str]:
    for part in accepted[:500].split(","):
        name = part.split(";")[0].strip()
        try:
            yield Locale.parse(name, sep="-").language
        except (ValueError, UnknownLocaleError):
            continue
