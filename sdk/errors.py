"""The errors of NOVA: one root, and a child for each thing a caller may want to catch."""

from __future__ import annotations


class NovaError(Exception):
    """Root of every error that NOVA raises on purpose."""


class AddressError(NovaError):
    """A text is not an address of nova.md §2."""


class TimestampError(NovaError):
    """A text is not a time that NOVA accepts, or lies outside int64 nanoseconds."""


class CanonicalError(NovaError):
    """A value has no RFC 8785 form (integer beyond 2^53-1, lone surrogate, NaN)."""


class SettingsError(NovaError):
    """A setting is unknown or has a value that it cannot have."""


class EnvelopeError(NovaError):
    """An envelope is not valid; `code` says the rule, `member` the member that broke it."""

    def __init__(self, code: str, member: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.member = member
        self.reason = reason


class ArchiveGoneError(NovaError):
    """A data folder no longer holds the archive that the instance serves, or another one."""


class DriverError(NovaError):
    """A driver is not installed, takes no such stream, or could not write its file."""


class TransportError(NovaError):
    """A transport could not do what was asked; what was being published may or may not be there."""


class NotSentError(TransportError):
    """Nothing of what was being published has left: there was nobody to take it."""


class ProtocolError(NovaError):
    """The other side answered with an error, or with something that is not the protocol."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class ConnectionLostError(NovaError):
    """The other side went away before it answered."""
