"""Mails for tests, and real mail servers: pymap, which keeps no keywords, and Debian's dovecot where there is one."""

from __future__ import annotations

import io
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

from conftest import free_ports
from imap_tools.mailbox import BaseMailBox, MailBoxStartTls, MailBoxUnencrypted
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


def self_made_certificate(folder: Path) -> str:
    """A certificate for 127.0.0.1 that vouches for itself, and its key, in a folder; the certificate in PEM."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", *options, *names, *files], check=True, capture_output=True)
    return certificate.read_text()


@contextmanager
def dovecot_with_tls(folder: Path) -> Iterator[tuple[MailServer, MailServer]]:
    """The same with a self-made certificate: by TLS, and by STARTTLS."""
    authority, port = self_made_certificate(folder), free_port()
    tls = f"ssl = yes\nssl_cert = <{folder}/certificate.pem\nssl_key = <{folder}/key.pem"
    with dovecot(tls=tls, tls_port=port) as plain:
        options = {"authority": authority}
        by_tls = MailServer(plain.host, port, "tls", plain.user, plain.password, **options)
        yield by_tls, MailServer(plain.host, plain.port, "starttls", plain.user, plain.password, **options)


@contextmanager
def dovecot(*, tls: str = "ssl = no", tls_port: int = 0, introspection: str = "") -> Iterator[MailServer]:
    """A dovecot of the test's own, with keywords and MOVE; it takes the access tokens that this address knows."""
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
        text = _DOVECOT.format(
            **{"folder": folder, "port": port, "users": users, "mailer": mailer, "password": PASSWORD},
            **{"tls": tls, "tls_port": tls_port},
            by_token=_BY_TOKEN.format(folder=folder) if introspection else "",
        )
        config.write_text(text)
        Path(folder, "oauth2").write_text(_INTROSPECTION.format(url=introspection))
        process = subprocess.Popen(["dovecot", "-F", "-c", str(config)])
        with _until_it_answers(process, port):
            yield MailServer("127.0.0.1", port, "none", "receipts", PASSWORD)


_BY_TOKEN = """
auth_mechanisms = plain xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2
}}
"""
_INTROSPECTION = """
introspection_mode = post
introspection_url = {url}/introspect
force_introspection = yes
username_attribute = username
active_attribute = active
active_value = true
"""
_DOVECOT = """
{by_token}
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap
{tls}
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
    address = 127.0.0.1
    port = {tls_port}
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
def opened(server: MailServer) -> Iterator[BaseMailBox]:
    """The mailbox as a mail program has it."""
    if server.security == "starttls":
        context = ssl.create_default_context(cadata=server.authority)
        box: BaseMailBox = MailBoxStartTls(server.host, server.port, timeout=20, ssl_context=context)
    else:
        box = MailBoxUnencrypted(server.host, server.port, timeout=20)
    with box.login(server.user, server.password) as signed_in:
        yield signed_in


def free_port() -> int:
    """A port that nobody has now, nor is given by the system for a connection or by another worker of this test run."""
    return free_ports()
