"""Expenses in the books of other programs: what is new, changed and voided, once, in their own formats."""

from flows.exports.comparison import Change, Exported
from flows.exports.errors import (
    ExportRefusedError,
    Refusal,
    UnknownTargetError,
    WrongOptionError,
)
from flows.exports.preview import preview
from flows.exports.run import confirm, export, write_again
from flows.exports.staging import Staging, publish, staging
from flows.exports.targets import targets

__all__ = [
    "Change",
    "ExportRefusedError",
    "Exported",
    "Refusal",
    "Staging",
    "UnknownTargetError",
    "WrongOptionError",
    "confirm",
    "export",
    "preview",
    "publish",
    "staging",
    "targets",
    "write_again",
]
