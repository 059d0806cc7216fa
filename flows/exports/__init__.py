"""Expenses in other programs' books: what is new, changed and voided, once, in their own formats."""

from flows.exports.actual import open_actual
from flows.exports.archive import archive_stream
from flows.exports.comparison import Change, Exported
from flows.exports.errors import (
    ExportRefusedError,
    Refusal,
    UnknownTargetError,
    WrongOptionError,
)
from flows.exports.firefly_api import open_firefly
from flows.exports.into_folder import Options, export_into, pictures_into
from flows.exports.originals import originals_in
from flows.exports.pending import pending
from flows.exports.pictures import listed_pictures, picture_members
from flows.exports.preview import preview
from flows.exports.push import push
from flows.exports.run import confirm, export, write_again
from flows.exports.staging import Staging, publish, staging
from flows.exports.targets import file_target, is_numbered, targets
from flows.exports.zips import Member, zip_stream

__all__ = [
    "Change",
    "ExportRefusedError",
    "Exported",
    "Member",
    "Options",
    "Refusal",
    "Staging",
    "UnknownTargetError",
    "WrongOptionError",
    "archive_stream",
    "confirm",
    "export",
    "export_into",
    "file_target",
    "is_numbered",
    "listed_pictures",
    "open_actual",
    "open_firefly",
    "originals_in",
    "pending",
    "picture_members",
    "pictures_into",
    "preview",
    "publish",
    "push",
    "staging",
    "targets",
    "write_again",
    "zip_stream",
]
