"""The errors of the Core."""

from __future__ import annotations

from sdk.errors import NovaError


class ArchiveError(NovaError):
    """The truth store cannot be opened, read or written; the message says what to do."""


class ArchiveDamagedError(ArchiveError):
    """The truth store holds less than its witness says, or a block that cannot be read."""


class DerivedDamagedError(ArchiveError):
    """Derived data cannot be read, or is not whole: it is to be made anew from the archive."""


class QueryError(NovaError):
    """A request asks for something that cannot be; `code` goes to the client."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
