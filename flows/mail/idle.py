"""Told of new mail by the server itself: IMAP's IDLE (RFC 2177), through imap-tools."""

from __future__ import annotations

import threading
import time

from flows.mail.mailbox import MailServer, open_mailbox

# A server may end an idle session after 30 minutes (RFC 2177), and many routers forget a quiet connection earlier.
_SESSION_SECONDS = 9 * 60.0
_POLL_SECONDS = 2.0
# Of servers that know no IDLE: as often as they are asked whether something came.
_ASK_SECONDS = 30.0


def wait_for_mail(server: MailServer, after_uid: int, stop: threading.Event) -> int | None:
    """Wait in a mailbox until a mail is there that was not before.

    Args:
        server: Where the mailbox is; the connection is open while this waits.
        after_uid: Mails up to this number are known already.
        stop: Whoever sets it gets None, within two seconds.

    Returns:
        The number of the newest mail, as soon as it is greater than `after_uid`; None after some minutes without one.

    Raises:
        ConfigurationError: The server refuses the user, or nobody vouches for it.
        MailServerUnavailableError: It is away, or breaks off.
    """
    end = time.monotonic() + _SESSION_SECONDS
    with open_mailbox(server) as box:
        while time.monotonic() < end and not stop.is_set():
            newest = max((int(mail.uid) for mail in box.waiting()), default=0)
            if newest > after_uid:
                return newest
            if box.can_idle:
                box.idle(until=lambda: stop.is_set() or time.monotonic() >= end, poll_seconds=_POLL_SECONDS)
            else:
                stop.wait(_ASK_SECONDS)
    return None
