"""The random credentials of one stack: made at its first start, kept beside its data with mode 600.

They lie outside the databases that they protect: who steals a dump of Prefect's database cannot read its secrets.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from deployments.stack.errors import DataUnusableError

FILE_NAME = "secrets.json"


def _token() -> SecretStr:
    return SecretStr(secrets.token_urlsafe(32))


class Credentials(BaseModel):
    """Credentials of one stack. A field that an older version did not know is made when the file is next read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    s3_access_key: str = Field(default_factory=lambda: "rf" + secrets.token_hex(9), min_length=3)
    s3_secret_key: SecretStr = Field(default_factory=_token, min_length=32)
    s3_internal_key: SecretStr = Field(default_factory=_token, min_length=32)
    prefect_auth_string: SecretStr = Field(
        default_factory=lambda: SecretStr("receiptflow:" + secrets.token_urlsafe(32)), min_length=32
    )
    prefect_encryption_key: SecretStr = Field(default_factory=lambda: SecretStr(Fernet.generate_key().decode()))
    # Release 0.1.0 began with the second name.
    events_token: SecretStr = Field(
        default_factory=_token, min_length=32, validation_alias=AliasChoices("events_token", "gateway_key_seed")
    )


def load_credentials(root: Path) -> Credentials:
    """Read the credentials of the stack in this data folder, making what is missing.

    Raises:
        DataUnusableError: the file is not what this program wrote. It is never replaced by itself, because new
            credentials could not read what the old ones encrypted.
    """
    path = root / FILE_NAME
    text = path.read_text() if path.exists() else "{}"
    try:
        credentials = Credentials.model_validate_json(text)
        Fernet(credentials.prefect_encryption_key.get_secret_value())
    except (ValidationError, ValueError) as error:
        if unknown := _unknown_fields(error):
            raise DataUnusableError(
                f"A newer receiptflow has used {root} ({path.name} has {unknown}): start that release, or restore a "
                "backup that this one made into another folder."
            ) from error
        raise DataUnusableError(
            f"{path} is broken ({_first_line(error)}): restore it from a backup. Without it, block secrets in "
            "Prefect's database are lost; delete it only if that is no loss."
        ) from error
    revealed = _revealed(credentials)
    if revealed != text:
        write_private(path, revealed)
    return credentials


def _unknown_fields(error: Exception) -> str:
    """The fields that this release does not know, if nothing else is wrong."""
    if not isinstance(error, ValidationError):
        return ""
    found = error.errors(include_input=False, include_url=False)
    if any(one["type"] != "extra_forbidden" for one in found):
        return ""
    return ", ".join(str(one["loc"][0]) for one in found)


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return " ".join([*(str(part) for part in first["loc"]), first["msg"]])
    return str(error)


def _revealed(credentials: Credentials) -> str:
    values = {name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in credentials}
    return json.dumps(values, indent=1)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
