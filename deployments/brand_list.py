"""Writes flows/reading/brands/brands.json from OpenStreetMap's list of brands, the npm package name-suggestion-index.

    python -m deployments.brand_list UNPACKED

`UNPACKED` is the package's folder, with `LICENSE.md` and `dist/json/nsi.json`. Kept are the brands of places that hand
out receipts: one line each with its name, the ISO 3166 codes of its countries, 1 for one of everyday shopping, and its
other names. `make brands` fetches the package and runs this.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.reading.brands import PLACE, name_key

_KINDS = re.compile(r"brands/(shop|tourism|leisure|craft|highway|amenity)/(\w+)")
_AMENITIES = re.compile(
    r"bar|biergarten|bureau_de_change|cafe|car_rental|car_wash|charging_station|cinema|clinic|dentist|fast_food|"
    r"food_court|fuel|ice_cream|internet_cafe|karaoke_box|parking|pharmacy|post_office|pub|restaurant|theatre|"
    r"vehicle_inspection|veterinary"
)
# They sell contracts, or nothing.
_SHOPS_WITHOUT_RECEIPTS = frozenset({"money_lender", "outpost", "mall", "funeral_directors", "storage_rental"})
# Where people buy most often: these brands are suggested first.
_EVERYDAY = re.compile(
    r"bakery|chemist|convenience|department_store|doityourself|fast_food|fuel|pharmacy|supermarket|variety_store"
)
_NAMES = re.compile(r"(name|brand|short_name|name:en|brand:en|brand:short)")
_EVERYWHERE = ""
_MIN_LETTERS = 2
_MOST_OTHER_NAMES = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("package", type=Path)
    print(write_list(parser.parse_args().package, Path(str(PLACE))))


def write_list(package: Path, target: Path) -> str:
    """Write the list and its licence; tell what was written."""
    listed = json.loads((package / "dist/json/nsi.json").read_text(encoding="utf-8"))
    brands = _brands(listed["nsi"])
    lines = ",\n".join(json.dumps(brand, ensure_ascii=False, separators=(",", ":")) for brand in brands)
    version = json.dumps(listed["_meta"]["version"])
    target.write_text(f'{{"version": {version}, "brands": [\n{lines}\n]}}\n', encoding="utf-8")
    target.with_name("LICENSE.txt").write_text((package / "LICENSE.md").read_text(encoding="utf-8"), encoding="utf-8")
    return f"{len(brands)} brands, {target.stat().st_size} bytes, of name-suggestion-index {version}"


def _brands(listed: dict[str, Any]) -> list[list[Any]]:
    """The brands by name; one that stands under several kinds of places is one brand."""
    found: dict[str, tuple[str, set[str], dict[str, str]]] = {}
    everyday = set()
    for kind, item in _items(listed):
        tags = item["tags"]
        for name in {tags.get("name") or item["displayName"]: 0, tags.get("brand", ""): 0}:
            if len(name_key(name)) < _MIN_LETTERS:
                continue
            _, countries, others = found.setdefault(name.casefold(), (name, set(), {}))
            countries |= _countries(item["locationSet"])
            everyday |= {name.casefold()} if _EVERYDAY.fullmatch(kind) else set()
            for other in _other_names(item):
                others.setdefault(name_key(other), other)
    return [
        [name, _joined(countries), int(folded in everyday), *_worth_keeping(name_key(name), others)]
        for folded, (name, countries, others) in sorted(found.items())
    ]


def _items(listed: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, places in listed.items():
        match = _KINDS.fullmatch(path)
        if match is None or match[2] in _SHOPS_WITHOUT_RECEIPTS:
            continue
        if match[1] != "amenity" or _AMENITIES.fullmatch(match[2]):
            yield from ((match[2], item) for item in places["items"])


def _countries(places: dict[str, list[Any]]) -> set[str]:
    """ISO codes of a set of places: `gb-eng` is in GB, `fx` is France without its islands, a number is a continent."""
    codes = {str(place)[:2].upper() for place in places.get("include", ["001"]) if isinstance(place, str)}
    return {{"FX": "FR"}.get(code, code) if code.isalpha() else _EVERYWHERE for code in codes}


def _other_names(item: dict[str, Any]) -> Iterator[str]:
    yield from (value for tag, value in item["tags"].items() if _NAMES.fullmatch(tag))
    yield item["displayName"]
    yield from item.get("matchNames", ())


def _joined(countries: set[str]) -> str:
    return "" if _EVERYWHERE in countries else " ".join(sorted(countries))


def _worth_keeping(key: str, others: dict[str, str]) -> list[str]:
    worth = [other for folded, other in others.items() if folded != key and len(folded) > _MIN_LETTERS]
    return worth[:_MOST_OTHER_NAMES]


if __name__ == "__main__":
    main()
