"""The two buckets: read and list the inbox, put files into it, keep what steps made."""

from flows.storage.inbox import Inbox
from flows.storage.put_file import clean_name, clean_owner, put_file
from flows.storage.results import Results
from flows.storage.sent_names import sent_name
from flows.storage.storage import (
    ObjectGoneError,
    ObjectReplacedError,
    ObjectVersion,
    StorageUnavailableError,
    s3_errors,
)

__all__ = [
    "Inbox",
    "ObjectGoneError",
    "ObjectReplacedError",
    "ObjectVersion",
    "Results",
    "StorageUnavailableError",
    "clean_name",
    "clean_owner",
    "put_file",
    "s3_errors",
    "sent_name",
]
