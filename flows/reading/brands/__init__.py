"""Brands of the world as OpenStreetMap knows them: names to choose from while typing, and to know garbled ones by.

`brands.json` is made by `make brands` from the npm package name-suggestion-index, whose licence lies beside it.
"""

from flows.reading.brands.brands import PLACE, Brand, all_brands, name_key
from flows.reading.brands.likeness import like_brands, shapes
from flows.reading.brands.suggestions import Suggestion, suggest_merchants

__all__ = ["PLACE", "Brand", "Suggestion", "all_brands", "like_brands", "name_key", "shapes", "suggest_merchants"]
