"""The errors of the Core."""

from __future__ import annotations

from nova.sdk.errors import NovaError


class ArchiveError(NovaError):
    """The archive cannot be opened, read or written; the message says what to do."""


class ArchiveDamagedError(ArchiveError):
    """The archive holds less than its durability marker records, or a block cannot be read."""


class ArchiveBusyError(ArchiveError):
    """Files are replaced faster than they can be followed; nothing is damaged, so try again."""


class DerivedDamagedError(ArchiveError):
    """A derived database is unreadable or incomplete and must be rebuilt from the archive."""


class RequestError(NovaError):
    """A request is refused; `code` and `message` go to the client."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
