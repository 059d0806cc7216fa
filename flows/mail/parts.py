"""Which parts of a mail are receipts: attached pictures and PDFs, those in attached mails, archives and winmail.dat,
and where there are none the mail itself.

What a part is, is told by its first bytes, never by its name or declared type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message

from imap_tools.message import MailAttachment

from flows.containers import ContainedFile, ContainerError, ContainerLimits, is_zip, open_winmail, open_zip
from flows.domain.errors import UnreadableError
from flows.domain.junk_files import is_junk_file
from flows.mail.body import body_of, is_body
from flows.mail.errors import MailRefusedError, Refusal
from flows.mail.message import header, parse_mail
from flows.mail.pictures import is_decoration
from flows.reading.documents import media_type_of

_WINMAIL_SIGNATURE = b"\x78\x9f\x3e\x22"  # 0x223E9F78, little endian ([MS-OXTNEF], 2.1.3.1)
_ENCRYPTED_TYPES = {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}


@dataclass(frozen=True)
class MailLimits:
    """Limits of one mail. Sizes in bytes."""

    max_mail_bytes: int = 50_000_000
    max_receipts: int = 100
    max_parts: int = 1000
    max_depth: int = 8
    contained: ContainerLimits = field(default_factory=ContainerLimits)


@dataclass(frozen=True)
class MailPart:
    """One receipt of a mail. `path` is its place in it, the same whenever the mail is read."""

    path: str
    name: str
    data: bytes


@dataclass
class MailContents:
    """What a mail brought: receipts, and the names of attachments that are none, with the reason."""

    receipts: list[MailPart] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def contents_of(message: Message, limits: MailLimits) -> MailContents:
    """The receipts of a mail, in their order.

    Raises:
        MailRefusedError: it is encrypted, too large in some way, or brings none.
    """
    found = _Walk(limits)
    found.mail(message, "", depth=0)
    if not found.contents.receipts:
        names = "; ".join(found.contents.passed_over[:10])
        raise MailRefusedError(
            Refusal.NO_RECEIPT,
            "There is no receipt in the mail: no picture, no PDF, and its text names no amount."
            + (f" Not taken: {names}." if names else ""),
        )
    return found.contents


class _Walk:
    """Goes through a mail once and gathers."""

    def __init__(self, limits: MailLimits) -> None:
        self._limits, self._parts = limits, 0
        self.contents = MailContents()

    def mail(self, message: Message, path: str, *, depth: int) -> None:
        """A mail, at the top or attached: what is in it, or else its own text."""
        if depth > self._limits.max_depth:
            raise MailRefusedError(Refusal.TOO_DEEP, "The mail holds mails in mails too deeply; send the receipt.")
        before = len(self.contents.receipts)
        leaves = list(self._leaves(message, path))
        body = body_of([leaf for _, leaf in leaves], header(message, "subject"))
        for place, leaf in leaves:
            if leaf.get_content_type() == "message/rfc822":
                self._attached(leaf, place, depth)
            elif not is_body(leaf):
                self._file(place, MailAttachment(leaf), body.shown if body else frozenset(), depth)
        if len(self.contents.receipts) == before and body is not None and body.names_an_amount:
            self._take(MailPart(f"{path}body", body.name, body.data))

    def _leaves(self, message: Message, path: str) -> Iterator[tuple[str, Message]]:
        """The parts that hold no parts, with their places; an attached mail is one."""
        self._parts += 1
        if self._parts > self._limits.max_parts:
            raise MailRefusedError(
                Refusal.TOO_MANY, f"The mail has more than {self._limits.max_parts} parts; split it."
            )
        if message.get_content_type() in _ENCRYPTED_TYPES:
            raise MailRefusedError(Refusal.ENCRYPTED, "The mail is encrypted, or signed as a whole; send it in clear.")
        payload = message.get_payload()
        if message.get_content_maintype() != "multipart" or not isinstance(payload, list):
            yield path or "0", message
            return
        for number, part in enumerate(payload, start=1):
            if isinstance(part, Message):
                yield from self._leaves(part, f"{path}{number}.")

    def _attached(self, leaf: Message, place: str, depth: int) -> None:
        for inner in leaf.get_payload() or ():
            if isinstance(inner, Message):
                self.mail(inner, f"{place}m.", depth=depth + 1)

    def _file(self, place: str, attachment: MailAttachment, shown: frozenset[str], depth: int) -> None:
        data = attachment.payload
        name = attachment.filename or f"attachment-{place.strip('.')}"
        if not data or is_junk_file(name):
            return
        if name.lower().endswith(".eml"):
            self.mail(parse_mail(data).message, f"{place}m.", depth=depth + 1)
        elif name.lower().endswith((".html", ".htm")) and attachment.content_disposition == "attachment":
            self._take(MailPart(place, name, data))
        elif data.startswith(_WINMAIL_SIGNATURE):
            self._contained(place, name, open_winmail(data, self._limits.contained))
        elif is_zip(data[:4]):
            self._contained(place, name, open_zip(data, self._limits.contained))
        else:
            inline = attachment.content_disposition == "inline" or attachment.content_id in shown
            self._take_if_receipt(place, ContainedFile(name, data), inline=inline)

    def _contained(self, place: str, name: str, files: Iterator[ContainedFile]) -> None:
        try:
            for number, file in enumerate(files, start=1):
                self._take_if_receipt(f"{place}z{number}", file, inline=False)
        except ContainerError as error:
            self.contents.passed_over.append(f"{name} ({error})")

    def _take_if_receipt(self, place: str, file: ContainedFile, *, inline: bool) -> None:
        try:
            media_type = media_type_of(file.data)
        except UnreadableError as error:
            self.contents.passed_over.append(f"{file.name} ({error})")
            return
        if media_type.startswith("image/") and is_decoration(file.data, inline=inline):
            self.contents.passed_over.append(f"{file.name} (a small picture of the mail's layout)")
            return
        self._take(MailPart(place, file.name, file.data))

    def _take(self, part: MailPart) -> None:
        if len(self.contents.receipts) >= self._limits.max_receipts:
            raise MailRefusedError(
                Refusal.TOO_MANY, f"The mail brings more than {self._limits.max_receipts} receipts; send several mails."
            )
        self.contents.receipts.append(part)
