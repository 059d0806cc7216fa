"""Why a backup or a restore does not go on, each cause with its cure in the message."""

from __future__ import annotations

from flows.domain.errors import ConfigurationError


class BackupError(ConfigurationError):
    """Base of what keeps a backup or a restore from its end; never raised itself."""


class NoBackupError(BackupError):
    """There is no finished backup at this place."""


class DamagedBackupError(BackupError):
    """A file of the backup is not what was written."""

    def __init__(self, name: str, found: str) -> None:
        self.name = name
        super().__init__(
            f"The backup is damaged: {name} {found}. Restore another snapshot (--snapshot), or from another copy."
        )


class NewerBackupError(BackupError):
    """A newer release made the backup."""


class SealedBackupError(BackupError):
    """The backup is encrypted, and the key that opens it was not given."""


class NotEmptyError(BackupError):
    """Where the backup would be restored to, there is something already."""


class PostgresToolError(BackupError):
    """pg_dump or pg_restore is too old for the server, or failed."""


class MovingTargetError(BackupError):
    """Receipts were deleted during each pass, so that no consistent state could be copied."""
