"""Expenses in other programs' books: what is new, changed and voided, once, in their own formats."""

from flows.exports.actual import ActualTarget, open_actual
from flows.exports.archive import archive_stream
from flows.exports.booking import AccountNames
from flows.exports.comparison import Change, Exported
from flows.exports.errors import (
    BooksRefusedError,
    BooksUnavailableError,
    BusyTargetError,
    ExportRefusedError,
    Refusal,
    UnknownTargetError,
    WrongOptionError,
)
from flows.exports.firefly_api import FireflyTarget, open_firefly
from flows.exports.into_folder import Options, export_into, pictures_into
from flows.exports.originals import originals_in
from flows.exports.pending import pending, pending_of
from flows.exports.pictures import OpenOriginal, listed_pictures, picture_members
from flows.exports.preview import preview, preview_entries
from flows.exports.protocol import Telling
from flows.exports.push import BookServer, push
from flows.exports.run import confirm, export, write_again
from flows.exports.staging import Staging, publish, staging
from flows.exports.targets import account_names, file_target, is_numbered, targets
from flows.exports.zips import Member, zip_stream

__all__ = [
    "AccountNames",
    "ActualTarget",
    "BookServer",
    "BooksRefusedError",
    "BooksUnavailableError",
    "BusyTargetError",
    "Change",
    "ExportRefusedError",
    "Exported",
    "FireflyTarget",
    "Member",
    "OpenOriginal",
    "Options",
    "Refusal",
    "Staging",
    "Telling",
    "UnknownTargetError",
    "WrongOptionError",
    "account_names",
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
    "pending_of",
    "picture_members",
    "pictures_into",
    "preview",
    "preview_entries",
    "publish",
    "push",
    "staging",
    "targets",
    "write_again",
    "zip_stream",
]
