"""Sample receipts with known truth: the demo of `make run`, golden tests and a part of the benchmark."""

from deployments.samples.hostile import HOSTILE, render_hostile
from deployments.samples.model import SampleReceipt
from deployments.samples.render import render_receipt, render_samples, truth_of

__all__ = ["HOSTILE", "SampleReceipt", "render_hostile", "render_receipt", "render_samples", "truth_of"]
