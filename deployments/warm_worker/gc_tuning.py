"""Python's garbage collector in processes that live long, tuned in one place.

It looks through the youngest objects after each 700 that were made, and by default half a million objects of imported
modules now and then. A busy server makes hundreds of thousands of objects a second, of which hardly any are garbage in
cycles: looking less often took a fifth of the CPU of Prefect's server away.
"""

from __future__ import annotations

import gc

# Objects made before the youngest are looked through; how often that happens before the older ones are.
_THRESHOLDS = (50_000, 20, 100)


def raise_thresholds() -> None:
    """Let more objects be made before the collector looks."""
    gc.set_threshold(*_THRESHOLDS)


def freeze_after_imports() -> None:
    """After the imports: collect less often, and never again what is there now, so that forks go on sharing it."""
    raise_thresholds()
    gc.collect()
    gc.freeze()
