"""The list of brands, loaded at first use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from flows.domain.folding import fold_text

PLACE = files("flows.reading.brands").joinpath("brands.json")


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand's name, the ISO 3166 codes of its countries (none: anywhere), and all its names as `name_key` folds them.

    The first key is the name's own. `everyday` is a supermarket, a petrol station and their like.
    """

    name: str
    countries: frozenset[str]
    everyday: bool
    keys: tuple[str, ...]

    def is_in(self, countries: frozenset[str]) -> bool:
        """Whether it may be found in one of these countries."""
        return not self.countries or not self.countries.isdisjoint(countries)


def name_key(name: str) -> str:
    """A name's letters and digits, folded: what two spellings of one name have in common."""
    return "".join(char for char in fold_text(name) if char.isalnum())


@lru_cache(maxsize=1)
def all_brands() -> tuple[Brand, ...]:
    """Every brand of the list."""
    listed = json.loads(PLACE.read_text(encoding="utf-8"))["brands"]
    return tuple(
        Brand(name, frozenset(countries.split()), bool(everyday), tuple(dict.fromkeys(map(name_key, (name, *others)))))
        for name, countries, everyday, *others in listed
    )
