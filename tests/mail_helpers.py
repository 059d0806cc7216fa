"""Mails for tests, and real mail servers: pymap, which keeps no keywords, and Debian's dovecot where there is one."""

from __future__ import annotations

import io
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

from imap_tools.mailbox import MailBoxUnencrypted
from PIL import Image

from flows.mail import MailServer

PASSWORD = "a-password-of-tests"


def a_mail(
    text: str = "See attached.", *, sender: str = "anna@example.org", identity: str = "<1@example.org>", html: str = ""
) -> EmailMessage:
    """A mail without attachments."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = sender, "in@example.com", "Receipt", identity
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


def attach(mail: EmailMessage, data: bytes, name: str, *, inline: bool = False, cid: str = "") -> EmailMessage:
    """The mail with one more file."""
    mail.add_attachment(
        data, "application", "octet-stream", filename=name, disposition="inline" if inline else "attachment", cid=cid
    )
    return mail


def a_picture(width: int, height: int, *, noisy: bool = True) -> bytes:
    """A JPEG; noise makes it as large as a photo's."""
    image = Image.effect_noise((width, height), 90) if noisy else Image.new("L", (width, height), 255)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


@contextmanager
def pymap() -> Iterator[MailServer]:
    """A mail server that knows neither keywords nor MOVE."""
    port = free_port()
    program = Path(sys.executable).with_name("pymap")
    options = ["--host", "127.0.0.1", "--port", str(port), "--no-tls", "dict", "--demo-user", "receipts"]
    process = subprocess.Popen([program, *options, "--demo-password", PASSWORD], stderr=subprocess.DEVNULL)
    with _until_it_answers(process, port):
        yield MailServer("127.0.0.1", port, "none", "receipts", PASSWORD)


def has_dovecot() -> bool:
    """Whether Debian's dovecot-imapd is installed."""
    return shutil.which("dovecot") is not None


@contextmanager
def dovecot() -> Iterator[MailServer]:
    """A dovecot of the test's own, with keywords and MOVE."""
    port = free_port()
    me = pwd.getpwuid(os.getuid()).pw_name
    # As root dovecot insists on its own users, which Debian's package makes; others can be nobody but themselves.
    users = "" if me == "root" else f"default_internal_user = {me}\ndefault_internal_group =\ndefault_login_user = {me}"
    with tempfile.TemporaryDirectory(prefix="rf-dovecot-") as folder:
        mailer = "nobody" if me == "root" else me
        Path(folder, "mail").mkdir(mode=0o777)
        Path(folder).chmod(0o755)
        Path(folder, "mail").chmod(0o777)
        config = Path(folder, "dovecot.conf")
        config.write_text(_DOVECOT.format(folder=folder, port=port, users=users, mailer=mailer, password=PASSWORD))
        process = subprocess.Popen(["dovecot", "-F", "-c", str(config)])
        with _until_it_answers(process, port):
            yield MailServer("127.0.0.1", port, "none", "receipts", PASSWORD)


_DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap
ssl = no
disable_plaintext_auth = no
{users}
mail_location = maildir:{folder}/mail
mail_privileged_group =
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={mailer} gid=nogroup home={folder}/mail
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


@contextmanager
def _until_it_answers(process: subprocess.Popen[bytes], port: int) -> Iterator[None]:
    try:
        end = time.monotonic() + 30
        while not _answers(port):
            assert process.poll() is None, "the mail server has ended"
            assert time.monotonic() < end, "the mail server does not answer"
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(4).startswith(b"* OK")
    except OSError:
        return False


@contextmanager
def opened(server: MailServer) -> Iterator[MailBoxUnencrypted]:
    """The mailbox as a mail program has it."""
    box = MailBoxUnencrypted(server.host, server.port, timeout=20)
    with box.login(server.user, server.password) as signed_in:
        yield signed_in


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
