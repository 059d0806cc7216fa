"""The Jinja environment of all templates: text is escaped, what is missing is an error, sentences are translated."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from deployments.gateway.web.texts import translations


def environment_in(language: str) -> Environment:
    """The environment of one language, with no values or filters of its own."""
    environment = Environment(
        loader=PackageLoader("deployments.gateway", "web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]  # of the extension
    return environment
