"""Why an object was refused, one class per cause. All are final: the same bytes would be refused again."""

from __future__ import annotations

from flows.domain.errors import UnreadableError


class EmptyFileError(UnreadableError):
    """The object has no bytes."""

    def __init__(self) -> None:
        super().__init__("The file is empty (0 bytes). Upload it again; the first transfer was probably cut off.")


class UnsupportedTypeError(UnreadableError):
    """The content is none of the accepted types, whatever the file's name says."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"The file is {found}, not a receipt picture. "
            "Send JPEG, PNG, WebP, TIFF, HEIC, AVIF, GIF, JPEG 2000, PDF, HTML, text or an electronic invoice."
        )
        self.found = found


class TooLargeError(UnreadableError):
    """More bytes or pixels than the limits allow; refused before anything is decoded."""

    def __init__(self, what: str, got: int, limit: int) -> None:
        super().__init__(
            f"The file has {got:,} {what}, more than the limit of {limit:,}. Send a smaller picture of it."
        )
        self.what, self.got, self.limit = what, got, limit


class TooSmallError(UnreadableError):
    """Too few pixels for any text."""

    def __init__(self, width: int, height: int, limit: int) -> None:
        super().__init__(f"The picture is {width} x {height} pixels; text needs at least {limit} on each side.")
        self.width, self.height, self.limit = width, height, limit


class TooManyPagesError(UnreadableError):
    """More pages than the limit allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The document has more than {limit} pages, the limit. Send the receipt's pages only.")
        self.limit = limit


class NoSuchPageError(UnreadableError):
    """A page was asked for that the document does not have."""

    def __init__(self, page: int, pages: int) -> None:
        super().__init__(f"There is no page {page}; the document has {pages}, counted from 1.")
        self.page, self.pages = page, pages


class EncryptedFileError(UnreadableError):
    """A PDF that only opens with a password."""

    def __init__(self) -> None:
        super().__init__("The PDF is protected by a password. Save it without the password and send that.")


class BrokenFileError(UnreadableError):
    """The content starts like an accepted type but cannot be decoded: truncated or damaged."""

    def __init__(self, media_type: str, detail: str) -> None:
        super().__init__(
            f"The {media_type} file is damaged or incomplete ({detail}). Take or scan it again and resend."
        )
        self.media_type, self.detail = media_type, detail
