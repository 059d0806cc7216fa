"""The samples, in the order in which a smaller number of them is taken: every few show the variety."""

from __future__ import annotations

from itertools import chain, zip_longest

from deployments.samples.catalogue_americas import AMERICAS
from deployments.samples.catalogue_asia import ASIA
from deployments.samples.catalogue_german import GERMAN
from deployments.samples.catalogue_latin import LATIN
from deployments.samples.catalogue_north import NORTH
from deployments.samples.model import SampleReceipt

_TURNS = chain.from_iterable(zip_longest(AMERICAS, GERMAN, ASIA, LATIN, NORTH))
CATALOGUE: tuple[SampleReceipt, ...] = tuple(receipt for receipt in _TURNS if receipt is not None)
