"""Outlook's winmail.dat (TNEF): the attachments in it, by `tnefparse`."""

from __future__ import annotations

from collections.abc import Iterator

from tnefparse import TNEF
from tnefparse.tnef import TNEFAttachment

from flows.containers.contained import ContainedFile, ContainerError, ContainerLimits


def open_winmail(data: bytes, limits: ContainerLimits | None = None) -> Iterator[ContainedFile]:
    """The attachments of a winmail.dat, those of messages attached in it too.

    Raises:
        ContainerError: it is broken, or holds more than the limits allow.
    """
    limits = limits or ContainerLimits()
    try:
        attachments = _all_attachments(TNEF(data))
    except Exception as error:  # tnefparse raises whatever its struct, slices and codecs raise
        raise ContainerError(
            f"winmail.dat cannot be read ({type(error).__name__}); send the mail as HTML or plain text, "
            "not as Outlook's rich text."
        ) from error
    if len(attachments) > limits.max_files:
        raise ContainerError(f"winmail.dat holds {len(attachments)} files, more than {limits.max_files}.")
    for attachment in attachments:
        content = attachment.data
        if isinstance(content, bytes | bytearray) and content:
            yield ContainedFile(_name(attachment), bytes(content))


def _all_attachments(container: TNEF) -> list[TNEFAttachment]:
    """Its attachments; where one is a message, those of that message."""
    found = []
    for attachment in container.attachments:
        inner = getattr(attachment, "embed", None)
        found += [attachment] if inner is None else _all_attachments(inner)
    return found


def _name(attachment: TNEFAttachment) -> str:
    try:
        name = attachment.long_filename()
    except UnicodeDecodeError:  # tnefparse takes a name for UTF-8
        name = ""
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    return text.replace("\\", "/").rsplit("/", 1)[-1].rstrip("\x00") or "attachment"
