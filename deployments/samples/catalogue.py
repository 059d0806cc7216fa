"""The samples, in the order in which a smaller number of them is taken: the first dozen shows the variety."""

from __future__ import annotations

from deployments.samples.catalogue_americas_asia import AMERICAS_ASIA
from deployments.samples.catalogue_europe import EUROPE
from deployments.samples.model import SampleReceipt

CATALOGUE: tuple[SampleReceipt, ...] = AMERICAS_ASIA + EUROPE
