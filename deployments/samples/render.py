"""The samples of the catalogue, drawn, worn and written to a folder with their truth beside them."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np

from deployments.samples.catalogue import CATALOGUE
from deployments.samples.formats import write
from deployments.samples.model import SampleReceipt
from deployments.samples.paper import print_page
from deployments.samples.truth import Truth, truth
from deployments.samples.typeset import typeset
from deployments.samples.wear import wear_out


def render_samples(folder: Path, *, count: int | None = None, seed: int = 7) -> None:
    """Write the first `count` samples (all without it) and `truth.json` into `folder`, making it if need be.

    The same seed gives the same bytes, as long as Pillow, OpenCV and the fonts are the same.

    Raises:
        ValueError: there are fewer samples than `count`.
    """
    if count is not None and not 0 < count <= len(CATALOGUE):
        raise ValueError(f"count must be 1 to {len(CATALOGUE)}, not {count}")
    folder.mkdir(parents=True, exist_ok=True)
    chosen = CATALOGUE[:count]
    for receipt in chosen:
        render_receipt(receipt, folder / receipt.name, seed=seed)
    truths = {receipt.name: truth(receipt) for receipt in chosen}
    (folder / "truth.json").write_text(json.dumps(truths, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def render_receipt(receipt: SampleReceipt, path: Path, *, seed: int = 7) -> None:
    """Write one receipt to `path`. Its chance depends on the seed and its own name, not on the others."""
    rng = np.random.default_rng([seed, zlib.crc32(receipt.name.encode())])
    pages = [wear_out(print_page(rows, receipt.layout), receipt.wear, rng) for rows in typeset(receipt)]
    write(pages, path, receipt.wear)


def truth_of(name: str) -> Truth:
    """What is true of the sample with this file name.

    Raises:
        KeyError: no sample has this name.
    """
    return {receipt.name: truth(receipt) for receipt in CATALOGUE}[name]
