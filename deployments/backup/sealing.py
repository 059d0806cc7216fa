"""Encryption of what a backup holds, in the format age (https://age-encryption.org/v1): `age -d` opens it too.

To back up takes only the public key (`age1…`), so whoever takes over the backed-up machine cannot read old backups.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from pyrage import DecryptError, IdentityError, RecipientError, decrypt_io, encrypt_io, x25519

from deployments.backup.errors import BackupError, DamagedBackupError, SealedBackupError

_CHUNK_BYTES = 1 << 20


class Sealer:
    """Encrypts to public keys; without any it copies."""

    def __init__(self, recipients: Sequence[str] = ()) -> None:
        self.recipients = tuple(recipients)
        try:
            self._keys = [x25519.Recipient.from_str(one) for one in self.recipients]
        except RecipientError as error:
            raise BackupError(
                f"A recipient is no public key of age ({error}): it looks like age1…; "
                "`receiptflow backup-key` makes one."
            ) from error

    def seal(self, source: IO[bytes], target: IO[bytes]) -> None:
        """Copy `source` into `target`, encrypted if there are recipients; constant memory."""
        if self._keys:
            encrypt_io(source, target, self._keys)
        else:
            shutil.copyfileobj(source, target, _CHUNK_BYTES)


class Opener:
    """Decrypts with secret keys; what was not encrypted it copies."""

    def __init__(self, identity_file: Path | None = None) -> None:
        self._keys = _read_identities(identity_file) if identity_file else []

    def open(self, name: str, source: IO[bytes], target: IO[bytes], *, sealed: bool) -> None:
        """Copy the file `name` of a backup into `target`, decrypted if it is sealed.

        Raises:
            SealedBackupError: no key was given, or not the right one.
            DamagedBackupError: it was changed since it was sealed.
        """
        if not sealed:
            shutil.copyfileobj(source, target, _CHUNK_BYTES)
            return
        if not self._keys:
            raise SealedBackupError("The backup is encrypted: name the file with the secret key (--identity FILE).")
        try:
            decrypt_io(source, target, self._keys)
        except DecryptError as error:
            if "matching keys" in str(error):
                raise SealedBackupError("The backup is encrypted to another key than the one in --identity.") from error
            raise DamagedBackupError(name, f"cannot be decrypted ({error})") from error


def make_key(path: Path) -> str:
    """Make a key pair, the secret key in a new file with mode 600.

    Returns:
        the public key, for `receiptflow backup --recipient`.
    """
    identity = x25519.Identity.generate()
    public = str(identity.to_public())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BackupError(f"The key was not made: {error}.") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(f"# public key: {public}\n{identity}\n")
    return public


def _read_identities(path: Path) -> list[x25519.Identity]:
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
        return [x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (OSError, UnicodeDecodeError, IdentityError) as error:
        raise SealedBackupError(f"{path} is no file with secret keys of age: {error}.") from error
