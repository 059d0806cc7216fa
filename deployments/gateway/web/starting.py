"""The page that says what the gateway waits for while it starts, and asks again by itself."""

from __future__ import annotations

from enum import StrEnum
from functools import cache

from deployments.gateway.web.assets import Assets
from deployments.gateway.web.environment import environment_in
from deployments.gateway.web.sentences import told
from deployments.gateway.web.texts import choose_language

_environment = cache(environment_in)  # browsers ask every second


class Awaited(StrEnum):
    """What has to be there before the gateway can work, as a sentence."""

    PROGRAM = "The program is being loaded."
    DATABASE = "The database is being started and brought up to date."


def starting_page(awaited: Awaited, accepted: str, assets: Assets, *, goes_on: bool) -> str:
    """The page.

    Args:
        awaited: What is not there yet.
        accepted: The header `Accept-Language`.
        assets: The files that pages refer to.
        goes_on: Whether it asks again by itself; what a form sent is not to be sent twice.
    """
    language = choose_language(None, accepted)
    template = _environment(language).get_template("base/starting.html")
    return template.render(language=language, awaited=told(awaited, language), asset=assets.url, goes_on=goes_on)
