"""Files that hold files: archives of pictures and Outlook's winmail.dat, opened with limits."""

from flows.containers.contained import ContainedFile, ContainerError, ContainerLimits
from flows.containers.winmail import open_winmail
from flows.containers.zip_files import is_zip, open_zip

__all__ = ["ContainedFile", "ContainerError", "ContainerLimits", "is_zip", "open_winmail", "open_zip"]
